"""A twin under load -> what changes of weights and rollbacks cost its callers."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from demo.evidence import RolloutEvidence, Step
from model.progress import Progress
from serving.load_result import LoadResult
from serving.release_verbs import rollback
from serving.twin.run import twin_reconcile
from tests.rollout_report.report import RollbackSeconds, WeightChanges
from tests.serving.faults.night import Loaded, Night
from tests.serving.waiting import wait_for

RATE_PER_S = 200.0
PER_WEIGHT = 100
"""Answers between two changes, at least."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """Changes of weights."""

    figures: WeightChanges
    evidence: RolloutEvidence


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledBack:
    """Rollbacks."""

    figures: RollbackSeconds
    seconds: tuple[float, ...]


def change_weights(night: Night, count: int, progress: Progress) -> Changed:
    """A candidate's weight goes up and down at random, from nothing to nothing."""
    stable, version = night.stable, night.add_next()
    random = np.random.default_rng(1)
    weights = [*(int(weight) for weight in random.permutation(np.arange(1, 100))[: count - 1]), 0]
    steps: list[Step] = []
    with night.loaded(RATE_PER_S) as load:
        begun = time.perf_counter()
        for number, weight in enumerate(weights):
            # Between the verb and its effect some requests still go by the old weights.
            steps = _ended(steps, time.perf_counter() - begun)
            if number == 0:
                night.canary(version, weight)
            elif weight:
                night.ramp(weight)
            else:
                night.rollback()
            now_s = time.perf_counter() - begun
            steps.append(_step(now_s, {stable: 100 - weight, version: weight}))
            _some_answers(load)
            progress(number + 1, count)
        steps = _ended(steps, time.perf_counter() - begun)
    assert load.result is not None
    figures = WeightChanges(count=len(weights), sent=load.sent, lost=load.lost)
    return Changed(figures=figures, evidence=_evidence(load.result, steps))


def roll_back(night: Night, count: int, progress: Progress) -> RolledBack:
    """Candidates at half of the traffic, one after the other, each rolled back by the verb."""
    verbs: dict[str, tuple[float, float]] = {}
    with night.loaded(RATE_PER_S) as load:
        begun = time.perf_counter()
        for number in range(count):
            version = night.add_next()
            night.canary(version, 50)
            _some_answers(load)
            verb_s = time.perf_counter() - begun
            night.do(partial(rollback, reason="measured", now=datetime.now(UTC)))
            twin_reconcile(night.folder)
            verbs[version] = (verb_s, time.perf_counter() - begun)
            progress(number + 1, count)
    assert load.result is not None
    seconds = tuple(_gone_s(load.result, version, taken_s) - verb_s for version, (verb_s, taken_s) in verbs.items())
    figures = RollbackSeconds(count=len(seconds), median=float(np.median(seconds)), max=max(seconds), lost=load.lost)
    return RolledBack(figures=figures, seconds=seconds)


def stage(root: Path) -> Night:
    """A twin that serves v1."""
    night = Night(root=root)
    night.add_version("v1")
    night.up()
    return night


def _gone_s(result: LoadResult, version: str, taken_s: float) -> float:
    """When the routes were taken over and the version had given its last answer."""
    mine = result.of_version(version)
    return max(taken_s, float((mine.planned_s + mine.latency_ms / 1000).max(initial=0.0)))


def _some_answers(load: Loaded) -> None:
    before = load.answered()
    wait_for(lambda: load.answered() >= before + PER_WEIGHT, what=f"{PER_WEIGHT} answers")


def _step(start_s: float, weights: dict[str, int]) -> Step:
    return Step(name="", start_s=start_s, end_s=start_s, weights=weights)


def _ended(steps: list[Step], end_s: float) -> list[Step]:
    return [*steps[:-1], replace(steps[-1], end_s=end_s)] if steps else []


def _evidence(result: LoadResult, steps: list[Step]) -> RolloutEvidence:
    return RolloutEvidence(
        intended_s=result.planned_s,
        latency_ms=result.latency_ms,
        ok=result.status == 200,
        version=np.array([*result.versions, ""], dtype=np.str_)[result.version],
        steps=tuple(steps),
    )
