"""Simulated rollouts are judged as real ones are, keep their promises, and repeat themselves."""

from datetime import timedelta

import numpy as np
import pytest

from serving.judge.evidence import Arm, Evidence, Histogram, Outcome, Window
from serving.judge.judging import judge
from serving.judge.plan import Metric, Plan, Step
from serving.judge.verdict import Verdict
from serving.simulation.rollouts import End, Rollouts, run
from serving.simulation.world import LATENCY_BOUNDS_MS, NUM_SCORE_BINS, World
from tests.serving.judge.windows import evidence, minute

PLAN = Plan(
    steps=(Step(weight=10, min_samples=200, min_minutes=2, max_minutes=12), Step(weight=40, max_minutes=12)),
    metrics=(
        Metric(name="failures", margin=0.02),
        Metric(name="latency_p50"),
        Metric(name="latency_p99", margin=0.02),
        Metric(name="prediction_drift"),
    ),
    warm_up_seconds=0,
)
WORLDS = (
    World(requests_per_second=20),
    World(requests_per_second=20, candidate_error_rate=0.06),
    World(requests_per_second=20, tail_share=0.04),
    World(requests_per_second=2),
)
ENDS = {Verdict.ROLLBACK: End.ROLLED_BACK, Verdict.ERROR: End.ERROR}


def histogram(bounds: tuple[float, ...], bins: list[int]) -> Histogram:
    return Histogram(upper_bounds=bounds, cumulative=tuple(np.cumsum(bins).tolist()))


def arm(requests: int, failures: list[int], latency: list[int], scores: list[int]) -> Arm:
    assert sum(failures) == requests
    return Arm(
        outcomes={Outcome.OK: failures[0], Outcome.SERVER_ERROR: failures[1]},
        latency_ms=histogram(LATENCY_BOUNDS_MS, latency),
        scores=histogram(tuple(place / 10 for place in range(1, NUM_SCORE_BINS)), scores),
    )


@pytest.mark.parametrize("world", WORLDS, ids=["same", "failing", "slow tail", "little traffic"])
def test_a_simulated_rollout_is_judged_as_its_evidence_is(world: World) -> None:
    """Two ways to the same verdict, look by look: arrays of many rollouts, and one stored record."""
    random = np.random.default_rng(11)
    for _ in range(3):
        state = Rollouts(plan=PLAN, world=world, num_rollouts=1)
        held: Evidence = evidence()
        while state.end[0] == End.RUNNING:
            at, began = int(state.at[0]), state.look
            requests, drawn = state.draw(random)
            arms = [
                arm(int(requests[0, place]), *(counts[0, place].tolist() for counts in (drawn[0], drawn[1], drawn[3])))
                for place in (0, 1)
            ]
            added = Window(
                start=minute(began),
                end=minute(began + 1),
                asked_percent=PLAN.steps[at].weight,
                stable=arms[0],
                candidate=arms[1],
            )
            held = held.model_copy(update={"windows": (*held.windows, added), "gathered": added.end})
            state.judge(requests, drawn)
            judgement = judge(held, PLAN, PLAN.steps[at])
            advanced = state.at[0] > at
            assert (judgement.verdict is Verdict.ADVANCE) == advanced, judgement.reason
            assert judgement.verdict not in ENDS or state.end[0] == ENDS[judgement.verdict]
            if advanced:
                held = held.model_copy(update={"step_start": held.gathered})
        assert state.end[0] in (End.PROMOTED, *ENDS.values()) or judgement.overdue


def test_healthy_candidates_are_rolled_back_less_often_than_alpha() -> None:
    rollouts = run(PLAN, World(requests_per_second=10), rollouts=600, seed=3)
    assert (rollouts.end == End.ROLLED_BACK).mean() < PLAN.alpha
    assert rollouts.naive_alarm.mean() > 2 * PLAN.alpha


def test_a_rate_that_changes_all_the_time_makes_no_false_rollback() -> None:
    """Both versions fail alike, but a day has its hours: each window has its own rate."""
    random = np.random.default_rng(4)
    state = Rollouts(plan=PLAN, world=World(requests_per_second=10), num_rollouts=400)
    book = state._books[0]
    while len(state.running):
        rate = random.choice([0.0, 0.01, 0.2])
        book.chances = np.array([[1 - rate, rate]] * 2)
        state.judge(*state.draw(random))
    assert (state.end == End.ROLLED_BACK).mean() < PLAN.alpha


def test_harm_is_caught_in_the_first_looks() -> None:
    failing = run(PLAN, World(candidate_error_rate=0.05), rollouts=200, seed=5)
    slow = run(PLAN, World(tail_share=0.04), rollouts=200, seed=6)
    assert (failing.end == End.ROLLED_BACK).mean() > 0.95
    assert np.median(failing.end_look) <= 3
    assert (slow.end == End.ROLLED_BACK).mean() > 0.95


def test_candidates_that_are_worse_by_the_margin_are_rarely_advanced() -> None:
    """Each step may let one pass with the metric's alpha at most; both steps together, with its square."""
    plan = PLAN.model_copy(update={"metrics": (Metric(name="failures", margin=0.02, alpha=0.05),)})
    rollouts = run(plan, World(requests_per_second=30, candidate_error_rate=0.03), rollouts=600, seed=7)
    assert (rollouts.advances > 0).mean() < 0.05
    assert (run(plan, World(requests_per_second=30), rollouts=200, seed=7).end == End.PROMOTED).mean() > 0.9


def test_a_seed_repeats_itself_and_another_does_not() -> None:
    one, again, other = (run(PLAN, World(requests_per_second=5), rollouts=50, seed=seed) for seed in (8, 8, 9))
    assert one.end_look.tolist() == again.end_look.tolist()
    assert one._books[0].rollout.tolist() == again._books[0].rollout.tolist() != other._books[0].rollout.tolist()


def test_too_little_traffic_ends_overdue() -> None:
    rollouts = run(PLAN, World(requests_per_second=0.05), rollouts=50, seed=10)
    assert (rollouts.end == End.OVERDUE).all()
    assert (rollouts.end_look == timedelta(minutes=PLAN.steps[0].max_minutes) / timedelta(minutes=1)).all()
