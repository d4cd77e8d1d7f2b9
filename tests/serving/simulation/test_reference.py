"""The reference figures, within what repetitions of this number scatter."""

import numpy as np
import pytest

from serving.simulation.reference import index_row, looks_row, split_row, tail_row

REPETITIONS = 1000


@pytest.mark.parametrize(
    ("rate", "requests", "z_test", "fixed_limit", "anytime"),
    [
        (0.01, 1000, 0.248, 0.406, 0.003),
        (0.01, 200, 0.258, 0.500, 0.001),
        (0.02, 1000, 0.99, 0.99, 0.759),
        (0.05, 200, 1.0, 1.0, 0.957),
    ],
)
def test_repeated_looks_at_error_rates(
    rate: float, requests: int, z_test: float, fixed_limit: float, anytime: float
) -> None:
    row = looks_row(rate, requests, REPETITIONS, seed=1)
    assert row.z_test == pytest.approx(z_test, abs=0.05)
    assert row.fixed_limit == pytest.approx(fixed_limit, abs=0.05)
    assert row.anytime == pytest.approx(anytime, abs=0.05)


def test_a_healthy_candidate_keeps_alpha_where_repeated_tests_do_not() -> None:
    row = looks_row(0.01, 1000, REPETITIONS, seed=2)
    assert row.anytime < 0.05 < row.z_test
    assert row.anytime_median_look is None


def test_a_slow_tail_is_found_where_ranks_miss_it() -> None:
    row = tail_row(300, 150, seed=3)
    assert row.mann_whitney == pytest.approx(0.217, abs=0.1)
    assert row.exceedance == pytest.approx(0.943, abs=0.06)
    assert row.anytime > 2 * row.mann_whitney


@pytest.mark.parametrize(
    ("requests", "mean", "above"), [(100, 0.17, 0.81), (200, 0.089, 0.35), (500, 0.036, 0.002), (1000, 0.018, 0.0)]
)
def test_the_index_without_drift(requests: int, mean: float, above: float) -> None:
    row = index_row(requests, 2000, seed=4)
    assert row.mean == pytest.approx(mean, rel=0.15)
    assert row.above_a_tenth == pytest.approx(above, abs=0.06)
    assert row.above_cutoff == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize(("percent", "median"), [(15.0, 491), (12.0, 2603), (0.0, 122)])
def test_a_wrong_split_is_found_soon(percent: float, median: float) -> None:
    row = split_row(percent, 200, seed=5)
    assert row.found == 1
    assert row.median_requests is not None
    assert row.median_requests < 1.25 * median


def test_a_split_as_asked_is_left_alone() -> None:
    assert split_row(10.0, 500, seed=6).found < 0.01 + 3 * np.sqrt(0.01 / 500)
