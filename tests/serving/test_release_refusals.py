"""What verbs refuse, in the exact words: what is wrong, what was given, and the next step."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from model.errors import UserError
from serving.judge.verdict import Verdict
from serving.release import Release
from serving.release_change import Change
from serving.release_match import ByEntity, ByHeader
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.release_verbs_evidence import advance, confirm
from serving.release_verbs_hold import clear, hold, unhold
from serving.release_verbs_side import ab, end_ab, end_shadow, shadow
from tests.serving.evidence_samples import planned, told
from tests.serving.test_release_verbs import NOW, digest, on_trial, promoted, with_versions

HEADER = (ByHeader(kind="header", header="x-arm", value="b"),)
ENTITY = (ByEntity(kind="entity", salt="s"),)


def served() -> Release:
    return promote(with_versions(1, 2, 3), version="v1").release


def held() -> Release:
    return hold(on_trial(), owner="ada", reason="sale on Friday", now=NOW).release


def rejected() -> Release:
    return rollback(on_trial(), reason="5 % errors").release


def renamed() -> Release:
    """v2's digest also as v4."""
    return register(on_trial(), version="v4", digest=digest(2), uri="runs/v4", registered=NOW).release


def planned_trial() -> Release:
    return canary(planned(served()), version="v2", now=NOW).release


def said(verdict: Verdict = Verdict.ADVANCE, *, of: Release, minutes: int = 6) -> Callable[[Release], Change]:
    """`advance` on evidence about another release, or from another time."""
    now = NOW + timedelta(minutes=minutes)
    return lambda release: advance(release, weighed=told(of, verdict, gathered=now), now=now)


REFUSED: dict[str, tuple[Release, Callable[[Release], Change], str]] = {
    "a second candidate": (
        on_trial(),
        lambda release: canary(release, version="v3", weight=5),
        "churn: candidate: one at a time, v2 is on trial (got v3)\n\n"
        "hint: `promote` or `rollback` v2 first, or `ramp` to change its weight",
    ),
    "a canary without a stable version": (
        with_versions(1),
        lambda release: canary(release, version="v1", weight=5),
        "churn: stable: a canary needs a stable version beside it (got null)\n\n"
        "hint: `promote v1` makes it the first stable version",
    ),
    "the stable digest as candidate": (
        served(),
        lambda release: canary(release, version="v1", weight=5),
        f"churn: candidate.version: v1 is the stable digest already (got {digest(1)[:19]})\n\n"
        "hint: register another digest",
    ),
    "the previous version as candidate": (
        promoted(),
        lambda release: canary(release, version="v1", weight=5),
        f"churn: candidate.version: v1 is the previous version (got {digest(1)[:19]})\n\n"
        "hint: `rollback` goes back to it; `verify` ends its wait",
    ),
    "a rejected digest": (
        rejected(),
        lambda release: canary(release, version="v2", weight=5),
        f"churn: digest of v2 was rejected (got {digest(2)[:19]}): 5 % errors\n\n"
        "hint: export a new model, or have a person answer for it: `clear v2 --by NAME`",
    ),
    "a rejected digest under another name": (
        rejected(),
        lambda release: register(release, version="v9", digest=digest(2), uri="runs/v9", registered=NOW),
        f"churn: digest of v9 was rejected (got {digest(2)[:19]}): 5 % errors\n\n"
        "hint: export a new model, or have a person answer for it: `clear v2 --by NAME`",
    ),
    "a digest that changes": (
        served(),
        lambda release: register(release, version="v1", digest=digest(7), uri="runs/v1", registered=NOW),
        f"churn: versions.v1: is {digest(1)[:19]} for good (got {digest(7)[:19]})\n\n"
        "hint: register the new digest under a new version name",
    ),
    "a version that nobody knows": (
        served(),
        lambda release: canary(release, version="v22", weight=5),
        "churn: version is not registered (got v22); registered are: v1, v2, v3\n\nhint: did you mean `v2`?",
    ),
    "a weight beyond all": (
        on_trial(),
        lambda release: ramp(release, weight=100),
        "churn: candidate.weight: must be 1 to 99 percent (got 100)\n\nhint: `promote` for 100, `rollback` for 0",
    ),
    "weights that add up to more": (
        canary(promoted(hold_back=5), version="v3", weight=10).release,
        lambda release: ramp(release, weight=95),
        "`churn: ramp`: candidate.weight: with previous.weight, 5, leaves the stable version nothing (got 95)\n\n"
        "hint: mend the file, or use a verb",
    ),
    "a ramp of nothing": (
        served(),
        lambda release: ramp(release, weight=5),
        "churn: candidate: nothing to ramp (got null)\n\nhint: `canary` puts a version on trial",
    ),
    "a promotion past the trial": (
        on_trial(),
        lambda release: promote(release, version="v3"),
        "churn: only the candidate can be promoted, it is v2 (got v3)\n\n"
        "hint: `canary v3 --weight 10` puts it on trial first",
    ),
    "a rollback of nothing": (
        served(),
        rollback,
        "churn: candidate: nothing to rollback (got null)\n\n"
        "hint: no version is on trial, and none waits for a way back; `status` shows the file",
    ),
    "a rollback of a promotion, not named": (
        promoted(),
        rollback,
        "churn: candidate: nothing to rollback (got null)\n\nhint: `rollback v2` takes back its promotion, to v1",
    ),
    "a shadow of who serves": (
        served(),
        lambda release: shadow(release, version="v1"),
        f"churn: shadow.version: v1 is the stable digest already (got {digest(1)[:19]})\n\n"
        "hint: a shadow is compared with who serves: name another version",
    ),
    "a shadow of the candidate's digest": (
        renamed(),
        lambda release: shadow(release, version="v4"),
        f"churn: shadow.version: v4 is the candidate digest already (got {digest(2)[:19]})\n\n"
        "hint: a shadow is compared with who serves: name another version",
    ),
    "more copies than requests": (
        served(),
        lambda release: shadow(release, version="v2", percent=101),
        "churn: shadow.percent: must be 1 to 100 (got 101)\n\nhint: `shadow --off` ends it",
    ),
    "the end of no shadow": (
        served(),
        end_shadow,
        "churn: shadow: nothing to end (got null)\n\nhint: `shadow VERSION` begins one",
    ),
    "a comparison with nobody": (
        served(),
        lambda release: ab(release, version="v2", rules=()),
        "churn: candidate.match: who gets v2? (got no rule)\n\n"
        "hint: `--header NAME=VALUE` takes the requests that say so, `--salt WORD` a sticky share of the entities",
    ),
    "a sticky share of nobody": (
        served(),
        lambda release: ab(release, version="v2", rules=ENTITY, share=0),
        "churn: candidate.weight: must be 1 to 99 percent (got 0)\n\nhint: `promote` for 100, `rollback` for 0",
    ),
    "the end of a comparison by header alone": (
        ab(served(), version="v2", rules=HEADER).release,
        end_ab,
        "churn: candidate.weight: 0 needs a rule on a header, or nobody gets it (got 0)\n\n"
        "hint: `ramp --weight 10` first, or `rollback`",
    ),
    "a step while held": (
        held(),
        lambda release: ramp(release, weight=50),
        "churn: held by ada since 2026-01-02 03:04: sale on Friday (got ramp)\n\n"
        "hint: ask ada, then `unhold`; `rollback` is never held",
    ),
    "a second hold": (
        held(),
        lambda release: hold(release, owner="bob", reason="me too", now=NOW),
        "churn: hold: ada holds it already, sale on Friday (got bob)\n\nhint: `unhold` first",
    ),
    "an unhold of nothing": (
        served(),
        lambda release: unhold(release, by="ada", now=NOW),
        "churn: hold: nobody holds it (got null)\n\nhint: `hold` does",
    ),
    "a clearing by nobody": (
        rejected(),
        lambda release: clear(release, rejected="v2", by=" ", reason="a broken node"),
        "churn: rejected: a person clears a digest, with a reason (got ` `, `a broken node`)\n\n"
        "hint: `clear VERSION --by NAME --reason WORDS`",
    ),
    "a clearing of what was not rejected": (
        rejected(),
        lambda release: clear(release, rejected="v3", by="ada", reason="a broken node"),
        "churn: rejected: was not rejected (got v3); rejected are: v2\n\nhint: `status` shows them with their digests",
    ),
    "a step without a plan": (
        on_trial(),
        said(of=on_trial()),
        "churn: plan: there is no next step without one (got null)\n\n"
        "hint: write `plan` and `expected_rate_per_second` into the file, or `ramp` and `promote` by hand",
    ),
    "evidence about another candidate": (
        planned_trial(),
        said(of=canary(planned(served()), version="v3", now=NOW).release),
        f"churn: candidate.digest: is {digest(2)[:19]}, but the evidence is about v3 (got {digest(3)[:19]})\n\n"
        "hint: gather evidence about the versions that serve now",
    ),
    "evidence from before the step": (
        ramp(planned_trial(), weight=50, now=NOW + timedelta(hours=1)).release,
        said(of=planned_trial()),
        "churn: evidence is from before this step, 2026-01-02 04:04:05 (got 2026-01-02 03:10:05)\n\n"
        "hint: gather it anew",
    ),
    "evidence judged by another step": (
        ramp(planned_trial(), weight=50, now=NOW).release,
        said(of=planned_trial()),
        "churn: plan: the evidence was judged by another plan or step (got 10 %, the file is at 50 %)\n\n"
        "hint: judge it by the plan in the file",
    ),
    "a confirmation of nothing": (
        served(),
        lambda release: confirm(release, by="ada", reason="good"),
        "churn: previous: no promotion waits to be verified (got null)\n\nhint: `status` shows the file",
    ),
    "a confirmation by nobody": (
        promoted(),
        lambda release: confirm(release, by="ada", reason=""),
        "churn: previous: a person confirms, with a reason (got `ada`, ``)\n\n"
        "hint: `verify --labels FILE`, or `verify --by NAME --reason WORDS`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why_and_the_way_out(name: str) -> None:
    release, verb, words = REFUSED[name]
    with pytest.raises(UserError) as refusal:
        verb(release)
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    "verb",
    [
        lambda release: ramp(release, weight=5),
        lambda release: promote(release, version="v2"),
        lambda release: shadow(release, version="v3"),
        lambda release: ab(release, version="v2", rules=ENTITY),
    ],
    ids=["ramp", "promote", "shadow", "ab"],
)
def test_a_hold_holds_all_that_moves_traffic(verb: Callable[[Release], Change]) -> None:
    with pytest.raises(UserError, match="held by ada"):
        verb(held())


def test_a_hold_holds_no_rollback() -> None:
    assert rollback(held()).release.weights() == {"v1": 100}
