"""Faults 3 to 6: what a verdict is made of is away, old, empty, or began anew; none of it passes for good news."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from serving.conductor.action import Outcome, Wait
from serving.conductor.conducting import Pass
from serving.judge.evidence import SeriesState, Signal
from serving.judge.verdict import Verdict
from serving.release_repository import history
from tests.serving.fake_repository import Behaviour
from tests.serving.faults.night import SHORT, Conducted, Night
from tests.serving.stopped import stopped
from tests.serving.waiting import wait_for

BEGINNING = datetime.min.replace(tzinfo=UTC)
NAMED = {SeriesState.RESET, SeriesState.MISSING, SeriesState.TOO_SHORT}
"""A process that ended: its counters fell, or for so long it was not scraped at all, or only once."""
NEVER_ENOUGH = {"min_samples": 100_000}


def verdicts(conducted: Conducted) -> set[Verdict]:
    return {done.weighed.judgement.verdict for done in conducted.passes if done.weighed is not None}


def states(done: Pass, of: Signal = Signal.REQUESTS, after: datetime = BEGINNING) -> list[SeriesState]:
    """Of the candidate's windows, those that end after a moment."""
    windows = done.weighed.evidence.windows if done.weighed else ()
    return [window.candidate.state(of) for window in windows if window.end > after]


def assert_held_for_want_of_evidence(night: Night, version: str) -> None:
    release = night.read()
    assert release.candidate is not None
    assert release.candidate.version == version
    assert release.candidate.weight == 20
    assert release.hold is not None
    assert release.hold.owner == "the plan"
    newest = history(night.release_path)[0]
    assert newest.trailers["Verdict"] == "no_data"
    assert night.weights()[version] == 20


def test_prometheus_is_down_for_longer_than_a_step(night: Night) -> None:
    version = night.begin(step={"max_minutes": SHORT})
    with stopped(night.now().prometheus.pid), night.loaded() as load, night.conducted() as conducted:
        assert conducted.end().outcome is Outcome.HELD
    assert verdicts(conducted) == {Verdict.NO_DATA}
    load.assert_calm()
    assert_held_for_want_of_evidence(night, version)


def test_the_gateway_is_scraped_no_more(night: Night) -> None:
    version = night.begin(step=NEVER_ENOUGH | {"max_minutes": 0.3})
    targets = night.folder / "prometheus/gateway.json"
    with night.loaded() as load, night.conducted() as conducted:
        conducted.until(lambda done: SeriesState.PRESENT in states(done), "a good look")
        draft = targets.with_suffix(".draft")
        draft.write_text(json.dumps([]))
        draft.replace(targets)
        old = conducted.until(
            lambda done: states(done)[-1:] in ([SeriesState.STALE], [SeriesState.MISSING]), "old news"
        )
        assert conducted.end().outcome is Outcome.HELD
    assert old.weighed is not None
    assert old.weighed.judgement.verdict is Verdict.NO_DATA
    assert Verdict.ADVANCE not in verdicts(conducted)
    load.assert_calm()
    assert_held_for_want_of_evidence(night, version)


@pytest.mark.parametrize("ahead_s", [-5, 5])
def test_the_conductors_clock_is_another_one_than_prometheuss(night: Night, ahead_s: int) -> None:
    version = night.begin(step={"max_minutes": 0.25})
    conductor = night.conductor()
    conductor.clock = lambda: datetime.now(UTC) + timedelta(seconds=ahead_s)
    with night.loaded() as load, night.conducted(by=conductor) as conducted:
        assert conducted.end().outcome is Outcome.HELD
    assert verdicts(conducted) == {Verdict.NO_DATA}
    looked = [state for done in conducted.passes for state in states(done)]
    assert SeriesState.SKEWED in looked
    assert SeriesState.PRESENT not in looked, "nothing that was counted then may pass for this step"
    load.assert_calm()
    assert_held_for_want_of_evidence(night, version)


def test_nobody_asks_the_candidate(night: Night) -> None:
    version = night.begin(step={"max_minutes": SHORT})
    with night.conducted() as conducted:
        assert conducted.end().outcome is Outcome.HELD
    assert verdicts(conducted) == {Verdict.NO_DATA}
    assert_held_for_want_of_evidence(night, version)


def test_counters_begin_anew_within_a_window(night: Night) -> None:
    version = night.begin(step={"min_samples": 250})
    before = night.now().envoy
    assert before.pid is not None
    with night.loaded() as load, night.conducted() as conducted:
        conducted.until(lambda done: SeriesState.PRESENT in states(done), "a good look")
        os.kill(before.pid, signal.SIGKILL)
        wait_for(lambda: night.now().envoy.restarts == before.restarts + 1, what="the gateway's restart")
        reset = conducted.until(lambda done: SeriesState.RESET in states(done), "a named reset")
        assert isinstance(reset.action, Wait), "what was counted just before the end is lost: no ground to go on"
        assert conducted.end().outcome is Outcome.PROMOTED
    assert load.result is not None
    assert set(load.result.summary().failures_by_status) == {0}, "refused while no gateway was there, and nothing else"
    assert night.weights() == {version: 100}


def test_a_models_counters_begin_anew_within_a_window(night: Night) -> None:
    """A candidate's Triton that ends and comes back counts its scores from zero; the plan asks for nothing else."""
    same_scores = Behaviour(bias=night.bias(night.stable) + 0.125)
    drift = {"name": "prediction_drift", "alpha": 0.05}
    version = night.begin(same_scores, step={"min_samples": 250}, metrics=[drift])
    with night.loaded() as load, night.conducted() as conducted:
        conducted.until(lambda done: SeriesState.PRESENT in states(done, Signal.SCORES), "a good look")
        before, killed = night.pid(version), datetime.now(UTC)
        os.kill(before, signal.SIGKILL)
        gap = conducted.until(lambda done: bool(set(states(done, Signal.SCORES, killed)) & NAMED), "a named window")
        assert isinstance(gap.action, Wait), "what was counted just before the end is lost: no ground to go on"
        assert conducted.end().outcome is Outcome.PROMOTED, conducted.told()
    assert night.pid(version) != before
    assert set(load.lost_by_version) <= {version}, "the stable version's callers notice nothing"
    assert night.weights() == {version: 100}
