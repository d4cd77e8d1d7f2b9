"""What a conductor decides, by tables and for any state of the world."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.conductor.action import Action, End, Follow, Look, Outcome, Wait, Write
from serving.conductor.deciding import next_action
from serving.conductor.plane import Served
from serving.judge.verdict import Verdict
from serving.release import Release
from serving.release_verbs import canary, promote, register, rollback
from serving.release_verbs_hold import hold
from tests.serving.evidence_samples import PLAN, planned, told

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW = BEGUN + timedelta(minutes=30)
"""Within every step of the plan."""
LATE = BEGUN + timedelta(minutes=61)
REVISION = "f" * 40


def on_trial(weight: int = 10) -> Release:
    release = Release(endpoint="churn")
    for number in (1, 2):
        digest = f"sha256:{number:064x}"
        release = register(release, version=f"v{number}", digest=digest, uri="there", registered=BEGUN).release
    release = planned(promote(release, version="v1").release)
    return canary(release, version="v2", weight=weight, now=BEGUN).release


def serving(release: Release) -> Served:
    return Served(weights=release.weights(), revision=REVISION, prometheus_url="http://localhost")


def decide(release: Release, verdict: Verdict | None, served: Served | None = None, now: datetime = NOW) -> Action:
    weighed = None if verdict is None else told(release, verdict, gathered=now)
    return next_action(release, REVISION, served or serving(release), weighed, now)


@pytest.mark.parametrize(
    ("weight", "verdict", "after"),
    [
        (10, Verdict.ADVANCE, {"v1": 50, "v2": 50}),
        (50, Verdict.ADVANCE, {"v2": 100}),
        (10, Verdict.ROLLBACK, {"v1": 100}),
        (50, Verdict.ROLLBACK, {"v1": 100}),
    ],
)
def test_a_verdict_that_moves_traffic_is_written(weight: int, verdict: Verdict, after: dict[str, int]) -> None:
    action = decide(on_trial(weight), verdict)
    assert isinstance(action, Write)
    assert action.change.release.weights() == after
    assert action.change.evidence is not None


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.NO_DATA, Verdict.ERROR])
def test_any_other_verdict_waits_and_is_held_when_the_step_has_lasted_too_long(verdict: Verdict) -> None:
    release = on_trial()
    action = decide(release, verdict)
    assert isinstance(action, Wait)
    assert action.until == NOW + timedelta(seconds=PLAN.window_seconds)
    late = decide(release, verdict, now=LATE)
    assert isinstance(late, Write)
    assert late.change.release.weights() == release.weights()
    assert late.change.release.hold is not None


def test_the_first_look_comes_at_once_and_the_next_when_a_window_has_passed() -> None:
    release = on_trial()
    assert isinstance(decide(release, None), Look)
    before = told(release, Verdict.ADVANCE, gathered=NOW - timedelta(seconds=PLAN.window_seconds))
    action = next_action(release, REVISION, serving(release), before, NOW)
    assert isinstance(action, Look), "an old ADVANCE is looked at again before it moves anything"


def test_a_look_at_another_weight_is_no_look_at_this_step() -> None:
    before = told(on_trial(10), Verdict.ADVANCE, gathered=NOW)
    release = on_trial(50)
    assert isinstance(next_action(release, REVISION, serving(release), before, NOW), Look)


def test_no_step_on_while_a_version_cannot_answer_but_a_rollback_at_any_time() -> None:
    release = on_trial()
    down = replace(serving(release), down=("v1",))
    action = decide(release, Verdict.ADVANCE, down)
    assert isinstance(action, Wait)
    assert action.reason == "v1 cannot answer: no step on meanwhile"
    assert isinstance(decide(release, Verdict.ROLLBACK, down), Write)


def test_a_data_plane_that_refuses_is_waited_for_then_held() -> None:
    release = on_trial()
    other = Served(weights={"v1": 100})
    asked = next_action(release, REVISION, other, None, NOW)
    assert isinstance(asked, Follow)
    assert asked.reason == "the data plane serves v1 100 %, the file says v1 90 %, v2 10 %"
    assert isinstance(next_action(release, REVISION, other, None, NOW, refused="Envoy refused"), Wait)
    late = next_action(release, REVISION, other, None, LATE, refused="Envoy refused")
    assert isinstance(late, Write)
    assert late.change.release.hold is not None
    assert late.change.release.hold.reason == "not in force within 60 minutes: Envoy refused"
    assert late.change.verdict == Verdict.ERROR


def test_a_rollback_that_is_not_in_force_is_never_given_up() -> None:
    release = rollback(on_trial(), reason="harm", now=NOW).release
    bad = Served(weights={"v1": 90, "v2": 10}, revision=REVISION)
    years = NOW + timedelta(days=700)
    assert isinstance(next_action(release, REVISION, bad, None, years), Follow)
    assert isinstance(next_action(release, REVISION, bad, None, years, refused="no answer"), Wait)


def test_a_hold_ends_it_unless_it_is_to_stay_and_then_harm_still_rolls_back() -> None:
    release = hold(on_trial(), owner="ada", reason="sale on Friday", now=NOW).release
    ended = decide(release, Verdict.ADVANCE)
    assert ended == End(outcome=Outcome.HELD, reason="held by ada: sale on Friday")
    good, bad = (told(release, verdict, gathered=NOW) for verdict in (Verdict.ADVANCE, Verdict.ROLLBACK))
    assert isinstance(next_action(release, REVISION, serving(release), good, NOW, stay=True), Wait)
    back = next_action(release, REVISION, serving(release), bad, NOW, stay=True)
    assert isinstance(back, Write)
    assert back.change.release.weights() == {"v1": 100}


def test_a_weight_of_which_nobody_wrote_when_it_began_is_written_down_first() -> None:
    release = on_trial()
    assert release.candidate is not None
    unsaid = release.model_copy(update={"candidate": release.candidate.model_copy(update={"since": None})})
    action = next_action(unsaid, REVISION, serving(unsaid), None, NOW)
    assert isinstance(action, Write)
    assert action.change.release.candidate is not None
    assert action.change.release.candidate.since == NOW
    assert action.change.release.weights() == release.weights()


@given(
    weight=st.sampled_from([10, 50]),
    verdict=st.none() | st.sampled_from(Verdict),
    observed=st.sampled_from([{}, {"v1": 100}, {"v1": 90, "v2": 10}, {"v1": 50, "v2": 50}]),
    revision=st.sampled_from(["", REVISION]),
    down=st.sampled_from([(), ("v1",), ("v2",)]),
    minutes=st.integers(0, 200),
    refused=st.sampled_from(["", "Envoy refused"]),
    held=st.booleans(),
    stay=st.booleans(),
)
def test_traffic_moves_only_on_a_verdict_about_what_is_in_force(
    weight: int,
    verdict: Verdict | None,
    observed: dict[str, int],
    revision: str,
    down: tuple[str, ...],
    minutes: int,
    refused: str,
    held: bool,
    stay: bool,
) -> None:
    release, now = on_trial(weight), BEGUN + timedelta(minutes=minutes)
    if held:
        release = hold(release, owner="ada", reason="wait", now=BEGUN).release
    served = Served(weights=observed, revision=revision, down=down)
    weighed = None if verdict is None else told(release, verdict, gathered=now)
    action = next_action(release, REVISION, served, weighed, now, refused=refused, stay=stay)
    if not isinstance(action, Write):
        return
    after = action.change.release
    before, then = release.weights().get("v2", 0), after.weights().get("v2", 0)
    if then != before:
        assert served.serves(release, REVISION)
        assert verdict is (Verdict.ADVANCE if then > before else Verdict.ROLLBACK)
    if then > before:
        assert not held
        assert not down
