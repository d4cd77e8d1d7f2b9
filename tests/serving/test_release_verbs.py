"""The release file's verbs: what each changes, what each refuses, and what no sequence of them can reach."""

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from model.errors import UserError
from serving.release import Release, parse_release, release_text
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


VERSIONS = st.integers(1, 6)


class AnySequence(RuleBasedStateMachine):
    """Whatever verbs come in whatever order, with two names for one digest among them."""

    versions: Bundle[str] = Bundle("versions")

    @initialize()
    def start(self) -> None:
        self.release = Release(endpoint="churn")
        self.barred: set[str] = set()

    def attempt(self, verb: object, **arguments: object) -> None:
        before = release_text(self.release)
        try:
            change: Change = verb(self.release, **arguments)  # type: ignore[operator]
        except UserError:
            return
        finally:
            assert release_text(self.release) == before
        if change.verb == "rollback":
            assert self.release.candidate is not None
            self.barred.add(self.release.candidate.digest)
        self.release = change.release

    @rule(target=versions, name=VERSIONS, number=st.integers(1, 4))
    def register(self, name: int, number: int) -> str:
        self.attempt(register, version=f"v{name}", digest=digest(number), uri="runs", registered=NOW)
        return f"v{name}"

    @rule(version=versions, weight=st.integers(-1, 101))
    def canary(self, version: str, weight: int) -> None:
        self.attempt(canary, version=version, weight=weight)

    @rule(weight=st.integers(-1, 101))
    def ramp(self, weight: int) -> None:
        self.attempt(ramp, weight=weight)

    @rule(version=versions)
    def promote(self, version: str) -> None:
        self.attempt(promote, version=version)

    @rule()
    def rollback(self) -> None:
        self.attempt(rollback)

    @invariant()
    def weights_add_up(self) -> None:
        weights = self.release.weights()
        assert sum(weights.values()) in ({100} if self.release.stable else {0})
        assert all(1 <= weight <= 100 for weight in weights.values())
        assert len(weights) <= 2

    @invariant()
    def nothing_rejected_serves(self) -> None:
        serving = {self.release.versions[name].digest for name in self.release.weights()}
        assert not serving & self.barred
        assert len(serving) == len(self.release.weights())

    @invariant()
    def the_file_reads_back(self) -> None:
        assert parse_release(release_text(self.release), place="churn.yaml") == self.release


AnySequence.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnySequence = AnySequence.TestCase
