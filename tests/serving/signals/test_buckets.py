"""Bounds are fine where a verdict needs them."""

from hypothesis import given
from hypothesis import strategies as st

from infra.mesh.values import histogram_buckets
from serving.signals.buckets import GOAL_SHARES, latency_buckets_ms


@given(st.integers(1, 10_000))
def test_bounds_ascend_and_hold_the_goal_and_its_surroundings(goal_ms: int) -> None:
    bounds = latency_buckets_ms(goal_ms)
    assert list(bounds) == sorted(set(bounds))
    assert bounds[0] >= 1
    assert {goal_ms, max(1, round(0.9 * goal_ms)), max(1, round(1.1 * goal_ms))} <= set(bounds)
    assert len(bounds) <= 40


@given(st.integers(20, 10_000))
def test_the_cluster_measures_as_fine_around_the_goal(goal_ms: int) -> None:
    assert {round(goal_ms * share, 3) for share in GOAL_SHARES} <= set(histogram_buckets(goal_ms))
