"""Upper bounds of the latency histograms: even steps over all magnitudes, and fine around the goal.

A quantile between two bounds is a guess; one at a bound is a count.
"""

_LADDER_MS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10000)
GOAL_SHARES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2, 3)


def latency_buckets_ms(goal_ms: int) -> tuple[int, ...]:
    """Whole milliseconds, as Envoy measures in them; the goal itself is always one.

    Args:
        goal_ms: what 99 % of the requests should stay within.
    """
    assert goal_ms >= 1, f"the goal must be a millisecond or more (got {goal_ms})"
    near = {max(1, round(goal_ms * share)) for share in GOAL_SHARES}
    return tuple(sorted(near.union(_LADDER_MS)))
