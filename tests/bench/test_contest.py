"""Rounds -> rates and ratios: medians and ranges, each ratio within its own round."""

import pytest

from bench.contest import best_of, endpoint_of, held_of, rate_of, ratio
from tests.bench.samples import turn


def test_the_rate_is_the_median_rounds() -> None:
    rate = rate_of([turn(900), turn(1_200), turn(1_000)])
    assert rate.rate == 1_000
    assert rate.rates == (900, 1_200, 1_000)
    assert rate.requests == 5_000
    assert rate.p99_interval_ms == (5.0, 5.0)


def test_a_contestant_that_held_no_rate_has_no_percentile() -> None:
    rate = rate_of([turn(0)])
    assert rate.rate == 0
    assert rate.p99_ms is None
    assert endpoint_of([turn(0)]).constant_p99_ms is None


def test_ratios_are_taken_within_a_round() -> None:
    """The machine was half as fast in the second: that changes the rates and not the ratio."""
    found = ratio([turn(800), turn(400), turn(810)], [turn(1_000), turn(500), turn(1_000)])
    assert found is not None
    assert (found.low, found.median, found.high) == pytest.approx((0.8, 0.8, 0.81))


def test_rounds_in_which_one_held_nothing_have_no_ratio() -> None:
    assert ratio([turn(0)], [turn(100)]) is None
    found = ratio([turn(100), turn(0)], [turn(100), turn(100)])
    assert found is not None
    assert found.median == 1


def test_the_best_peer_is_the_fastest_that_held_anything() -> None:
    turns = {"slow": [turn(100)], "fast": [turn(300)], "none": [turn(0)]}
    assert best_of(turns) == "fast"
    assert best_of({"none": [turn(0)]}) is None


def test_only_held_rates_are_told_to_the_plan() -> None:
    assert [held.qps for held in held_of([turn(100)], 10)] == [50, 100]
