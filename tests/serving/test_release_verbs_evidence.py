"""What evidence does to a release: steps, promotion, rollback, holds, and nothing at all."""

from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import UserError
from serving.judge.verdict import Verdict
from serving.release import Release
from serving.release_evidence import EvidenceFile, LabelVerdict
from serving.release_verbs import canary, promote, rollback
from serving.release_verbs_evidence import adopt, advance, confirm, verify
from serving.release_verbs_hold import hold, unhold
from tests.serving.evidence_samples import planned, told
from tests.serving.test_release_verbs import NOW, digest, promoted, with_versions

Said = Literal["confirm", "revert", "not_mature", "error"]
SIX = NOW + timedelta(minutes=6)


def trial() -> Release:
    return canary(planned(promote(with_versions(1, 2, 3), version="v1").release), version="v2", now=NOW).release


def test_advance_leads_by_the_steps_to_a_promotion_with_its_proof() -> None:
    first = told(trial(), Verdict.ADVANCE, gathered=SIX)
    step = advance(trial(), weighed=first, now=SIX)
    assert step.reason == "ramp v2 from 10 % to 50 %: so says advance"
    assert (step.verb, step.verdict, step.evidence) == ("advance", "advance", first.file)
    assert step.release.weights() == {"v1": 50, "v2": 50}
    assert step.release.candidate is not None
    assert step.release.candidate.since == SIX
    later = SIX + timedelta(minutes=6)
    last = told(step.release, Verdict.ADVANCE, gathered=later)
    end = advance(step.release, weighed=last, now=later)
    assert end.reason == "promote v2 in place of v1: so says advance"
    assert end.release.weights() == {"v2": 100}
    assert end.release.previous is not None
    assert [proof.evidence for proof in end.release.versions["v2"].proven] == [last.file.digest]


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.NO_DATA, Verdict.ERROR])
def test_what_is_no_advance_changes_nothing_and_says_why(verdict: Verdict) -> None:
    change = advance(trial(), weighed=told(trial(), verdict, gathered=SIX), now=SIX)
    assert change.release == trial()
    assert change.evidence is None
    assert (change.reason, change.verdict) == (f"so says {verdict.value}", verdict)


@pytest.mark.parametrize("held", [False, True])
def test_harm_rolls_back_even_what_is_held(held: bool) -> None:
    release = hold(trial(), owner="ada", reason="sale", now=NOW).release if held else trial()
    change = advance(release, weighed=told(release, Verdict.ROLLBACK, gathered=SIX), now=SIX)
    assert change.verb == "rollback"
    assert change.release.weights() == {"v1": 100}
    assert change.release.rejected[0].reason == "so says rollback"
    assert change.evidence is not None


@pytest.mark.parametrize(
    ("minutes", "age", "words"),
    [
        (4, 0, "the step has lasted 4.0 of at least 5 minutes"),
        (30, 11, "the evidence is 11 minutes old; it may be 10"),
        (6, -2, "the evidence is from 03:12:05, later than now, 03:10:05: compare the clocks"),
    ],
)
def test_evidence_that_is_early_or_old_is_not_enough(minutes: int, age: int, words: str) -> None:
    now = NOW + timedelta(minutes=minutes)
    change = advance(trial(), weighed=told(trial(), Verdict.ADVANCE, gathered=now - timedelta(minutes=age)), now=now)
    assert (change.reason, change.release) == (words, trial())


def test_evidence_that_begins_before_the_step_is_not_enough() -> None:
    later = canary(
        planned(promote(with_versions(1, 2), version="v1").release), version="v2", now=NOW + timedelta(minutes=1)
    ).release
    change = advance(later, weighed=told(trial(), Verdict.ADVANCE, gathered=SIX), now=SIX)
    assert change.reason == "the evidence begins at 03:04:05, before this step did at 03:05:05"


def test_a_step_whose_beginning_nobody_wrote_down_does_not_end() -> None:
    release = canary(planned(promote(with_versions(1, 2), version="v1").release), version="v2").release
    change = advance(release, weighed=told(release, Verdict.ADVANCE, gathered=SIX), now=SIX)
    assert change.reason == "when 10 % began is not written down; `ramp --weight 10` does"


@pytest.mark.parametrize("overdue", [False, True])
def test_a_step_without_a_decision_calls_for_a_person(overdue: bool) -> None:
    """By the judge's clock or by ours."""
    now = NOW + timedelta(minutes=30 if overdue else 61)
    change = advance(trial(), weighed=told(trial(), Verdict.NO_DATA, gathered=now, overdue=overdue), now=now)
    assert change.release.hold is not None
    assert change.release.hold.owner == "the plan"
    assert change.release.hold.reason == "no decision within 60 minutes: so says no_data"
    assert change.release.weights() == trial().weights()
    again = advance(change.release, weighed=told(change.release, Verdict.ADVANCE, gathered=now), now=now)
    assert again.reason == "held by the plan: no decision within 60 minutes: so says no_data"
    assert again.release == change.release


def test_after_a_hold_the_step_begins_anew() -> None:
    held = hold(trial(), owner="ada", reason="sale", now=NOW).release
    release = unhold(held, by="ada", now=NOW + timedelta(hours=2)).release
    assert release.candidate is not None
    assert release.candidate.since == NOW + timedelta(hours=2)


@settings(deadline=None, max_examples=60)
@given(
    looks=st.lists(
        st.tuples(
            st.sampled_from(Verdict),
            st.sampled_from([1, 6, 30, 70]),
            st.sampled_from([0, 0, 1, 11]),
            st.sampled_from(["", "", "hold", "unhold"]),
        ),
        max_size=12,
    )
)
def test_only_fresh_advances_move_a_rollout_on(looks: list[tuple[Verdict, int, int, str]]) -> None:
    release, now = trial(), NOW
    for verdict, minutes, age, person in looks:
        if release.candidate is None:
            break
        now += timedelta(minutes=minutes)
        if person == "hold" and not release.hold:
            release = hold(release, owner="ada", reason="sale", now=now).release
        elif person == "unhold" and release.hold:
            release = unhold(release, by="ada", now=now).release
        assert release.candidate is not None
        assert release.candidate.since is not None
        lasted = now - release.candidate.since
        try:
            change = advance(release, weighed=told(release, verdict, gathered=now - timedelta(minutes=age)), now=now)
        except UserError:
            assert timedelta(minutes=age) > lasted, "only evidence from before the step is refused"
            continue
        after = change.release
        may_move = verdict is Verdict.ADVANCE and age <= 10 and lasted >= timedelta(minutes=5) and not release.hold
        moved = after.weights() != release.weights() and not after.rejected
        assert moved == may_move
        assert bool(after.rejected) == (verdict is Verdict.ROLLBACK)
        assert (change.evidence is not None) == (after != release)
        release = after


def labels(said: Said, *, looked: bool = True) -> LabelVerdict:
    return LabelVerdict(confirmation=said, reason="labels", looked=looked, file=EvidenceFile(text="{}"))


def test_labels_confirm_a_promotion() -> None:
    change = verify(promoted(hold_back=5), labels=labels("confirm"), now=SIX)
    assert change.reason == "confirm v2, let v1 go: labels"
    assert change.release.weights() == {"v2": 100}
    assert (change.release.previous, change.verdict) == (None, "confirm")


def test_labels_take_a_promotion_back() -> None:
    change = verify(promoted(hold_back=5), labels=labels("revert"), now=SIX)
    assert (change.verb, change.reason) == ("verify", "roll back v2 to v1: labels")
    assert change.release.weights() == {"v1": 100}
    assert change.release.is_rejected(digest(2))


def test_looks_at_labels_are_counted_where_they_tell_something() -> None:
    release = promoted(hold_back=5)
    looked = verify(release, labels=labels("not_mature"), now=SIX).release
    assert looked.previous is not None
    assert looked.previous.looks == 1
    unable: tuple[Said, ...] = ("not_mature", "error")
    for said in unable:
        change = verify(looked, labels=labels(said, looked=False), now=SIX)
        assert (change.release, change.evidence) == (looked, None)


def test_a_person_confirms_by_name() -> None:
    change = confirm(promoted(), by="ada", reason="labels come in spring")
    assert (change.by, change.reason) == ("ada", "confirm v2, let v1 go: labels come in spring")


def proven() -> tuple[Release, Release]:
    """(dev with v2 promoted on evidence, staging with v1)."""
    release, now = trial(), NOW
    for _ in range(2):
        now += timedelta(minutes=6)
        release = advance(release, weighed=told(release, Verdict.ADVANCE, gathered=now), now=now).release
    return release, promote(with_versions(1), version="v1").release


def test_another_environment_gets_the_same_digest_with_its_evidence() -> None:
    dev, staging = proven()
    proof = told(trial(), Verdict.ADVANCE, gathered=SIX)
    change = adopt(staging, source=dev, environment="dev", version="v2", proof=proof, now=SIX)
    assert change.reason == "register v2 as promoted in dev: so says advance"
    entry = change.release.versions["v2"]
    assert entry.digest == dev.versions["v2"].digest
    assert [(one.evidence, one.environment) for one in entry.proven] == [(proof.file.digest, "dev")]
    assert change.release.weights() == {"v1": 100}
    again = adopt(change.release, source=dev, environment="dev", version="v2", proof=proof, now=SIX)
    assert (again.release, again.reason) == (change.release, "v2 is known from dev already")


def test_only_what_was_promoted_on_this_evidence_goes_on() -> None:
    dev, staging = proven()
    good = told(trial(), Verdict.ADVANCE, gathered=SIX)
    with pytest.raises(UserError, match=r"dev: only what is stable there goes on, it is v2 \(got v1\)"):
        adopt(staging, source=dev, environment="dev", version="v1", proof=good, now=SIX)
    held = told(trial(), Verdict.HOLD, gathered=SIX)
    with pytest.raises(UserError, match=r"dev: evidence sha256:.* is not of this promotion: it says hold about"):
        adopt(staging, source=dev, environment="dev", version="v2", proof=held, now=SIX)
    other = canary(planned(promote(with_versions(1, 3), version="v1").release), version="v3", now=NOW).release
    foreign = told(other, Verdict.ADVANCE, gathered=SIX)
    with pytest.raises(UserError, match=rf"says advance about {digest(3)[:19]} \(got {digest(2)[:19]}\)"):
        adopt(staging, source=dev, environment="dev", version="v2", proof=foreign, now=SIX)
    back = rollback(dev, version="v2").release
    with pytest.raises(UserError, match="v2 was rolled back there"):
        adopt(staging, source=back, environment="dev", version="v2", proof=good, now=SIX)
