"""The release file's verbs: what each changes, what each refuses, and what no sequence of them can reach."""

from datetime import UTC, datetime, timedelta

import pytest

from model.errors import UserError
from serving.judge.plan import Plan, Step
from serving.release import Release
from serving.release_change import Change
from serving.release_verbs import canary, promote, ramp, register, rollback

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def with_versions(*numbers: int) -> Release:
    release = Release(endpoint="churn")
    for number in numbers:
        release = register(
            release, version=f"v{number}", digest=digest(number), uri=f"runs/v{number}", registered=NOW
        ).release
    return release


def on_trial() -> Release:
    first = promote(with_versions(1, 2, 3), version="v1").release
    return canary(first, version="v2", weight=10).release


def test_the_verbs_lead_from_nothing_to_a_promoted_candidate() -> None:
    release = with_versions(1, 2)
    assert release.weights() == {}
    release = promote(release, version="v1").release
    assert release.weights() == {"v1": 100}
    change = canary(release, version="v2", weight=10)
    assert change == Change(release=change.release, verb="canary", reason="canary v2 at 10 %")
    assert change.release.weights() == {"v1": 90, "v2": 10}
    change = ramp(change.release, weight=50)
    assert change.reason == "ramp v2 from 10 % to 50 %"
    assert change.release.weights() == {"v1": 50, "v2": 50}
    assert promote(change.release, version="v2").release.weights() == {"v2": 100}


def test_rollback_sends_all_to_stable_and_bars_the_digest_under_any_name() -> None:
    release = rollback(on_trial(), reason="errors").release
    assert release.weights() == {"v1": 100}
    assert [(entry.version, entry.reason) for entry in release.rejected] == [("v2", "errors")]
    with pytest.raises(UserError, match="was rejected"):
        canary(release, version="v2", weight=10)
    with pytest.raises(UserError, match="was rejected"):
        register(release, version="v9", digest=digest(2), uri="runs/v9", registered=NOW)


@pytest.mark.parametrize("weight", [-1, 0, 100, 1000])
def test_a_candidate_weighs_1_to_99(weight: int) -> None:
    with pytest.raises(UserError, match=rf"1 to 99 percent \(got {weight}\)"):
        ramp(on_trial(), weight=weight)


def test_refusals_name_what_is_wrong_and_the_way_out() -> None:
    with pytest.raises(UserError, match=r"one at a time.*got v3.*\n\nhint: `promote` or `rollback` v2 first"):
        canary(on_trial(), version="v3", weight=10)
    with pytest.raises(UserError, match=r"got v22.*\n\nhint: did you mean `v2`"):
        promote(on_trial(), version="v22")
    with pytest.raises(UserError, match=r"only the candidate can be promoted, it is v2 \(got v3\)"):
        promote(on_trial(), version="v3")
    with pytest.raises(UserError, match="nothing to rollback"):
        rollback(with_versions(1))
    with pytest.raises(UserError, match=r"nothing to rollback \(got v1\)\n\nhint: `rollback v2` takes back the cand"):
        rollback(on_trial(), version="v1")
    with pytest.raises(UserError, match="nothing to ramp"):
        ramp(with_versions(1), weight=5)
    with pytest.raises(UserError, match="needs a stable version"):
        canary(with_versions(1), version="v1", weight=5)
    with pytest.raises(UserError, match="is the stable digest already"):
        canary(promote(with_versions(1), version="v1").release, version="v1", weight=5)
    with pytest.raises(UserError, match="for good"):
        register(with_versions(1), version="v1", digest=digest(7), uri="x", registered=NOW)


def test_a_name_must_be_good_for_all_who_read_it() -> None:
    with pytest.raises(UserError, match=r"versions\.V 1"):
        register(with_versions(), version="V 1", digest=digest(1), uri="x", registered=NOW)


def promoted(hold_back: int = 0) -> Release:
    """v2 in place of v1, provisionally."""
    verification = {"label_days": 7.0, "hold_back": hold_back} if hold_back else None
    release = Release.model_validate(on_trial().model_dump(by_alias=True) | {"verification": verification})
    return promote(release, version="v2", now=NOW).release


def test_a_promotion_is_provisional_and_keeps_its_way_back() -> None:
    release = promoted()
    assert release.previous is not None
    assert (release.previous.version, release.previous.weight, release.previous.since) == ("v1", 0, NOW)
    assert release.weights() == {"v2": 100}
    assert release.arms() == {"v2": 100, "v1": 0}
    back = rollback(release, version="v2", reason="labels", now=NOW)
    assert back.reason == "roll back v2 to v1: labels"
    assert back.release.weights() == {"v1": 100}
    assert back.release.previous is None
    assert back.release.is_rejected(digest(2))


def test_a_part_of_the_traffic_can_be_held_back_for_the_labels() -> None:
    release = promoted(hold_back=5)
    assert release.weights() == {"v2": 95, "v1": 5}
    trial = canary(release, version="v3", weight=90).release
    assert trial.weights() == {"v2": 5, "v3": 90, "v1": 5}
    with pytest.raises(UserError, match=r"candidate.weight: with previous.weight, 5, leaves the .* nothing \(got 95\)"):
        ramp(trial, weight=95)
    assert promote(trial, version="v3").release.weights() == {"v3": 95, "v2": 5}


def test_who_rolls_back_what_is_rolled_back_already_takes_back_no_promotion() -> None:
    """Two people on call, one candidate: the second finds nothing left to do, and is told how to do more."""
    once = rollback(canary(promoted(), version="v3", weight=10).release).release
    with pytest.raises(UserError, match=r"nothing to rollback \(got null\)\n\nhint: `rollback v2` takes back its prom"):
        rollback(once)
    assert once.weights() == {"v2": 100}


def test_the_previous_version_is_no_candidate() -> None:
    with pytest.raises(UserError, match=r"v1 is the previous version .*\n\nhint: `rollback` goes back to it"):
        canary(promoted(), version="v1", weight=10)


def test_a_canary_begins_with_the_plans_first_step() -> None:
    first = promote(with_versions(1, 2), version="v1").release
    with pytest.raises(UserError, match="plan: there is none to take a weight from"):
        canary(first, version="v2")
    fields = first.model_dump(by_alias=True)
    planned = Release.model_validate(fields | {"plan": Plan(steps=(Step(weight=3),)), "expected_rate_per_second": 50})
    assert canary(planned, version="v2").release.weights() == {"v1": 97, "v2": 3}


def test_a_shares_beginning_is_written_down() -> None:
    begun = canary(promote(with_versions(1, 2), version="v1").release, version="v2", weight=10, now=NOW).release
    assert begun.candidate is not None
    assert begun.candidate.since == NOW
    later = ramp(begun, weight=20, now=NOW + timedelta(hours=1)).release
    assert later.candidate is not None
    assert later.candidate.since == NOW + timedelta(hours=1)
