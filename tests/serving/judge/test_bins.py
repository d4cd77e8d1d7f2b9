"""Bounds that favour neither version."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.judge.bins import (
    beyond_each_bound,
    beyond_quantile,
    histogram_bins,
    merge_bins,
    quantile_position,
)
from serving.judge.evidence import Histogram

BINS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=30).map(
    lambda pairs: np.array(pairs, dtype=np.int64).T
)


def test_bins_are_what_lies_between_bounds() -> None:
    held = Histogram(upper_bounds=(1.0, 2.0, 4.0), cumulative=(5, 5, 9, 10))
    assert histogram_bins(held).tolist() == [5, 0, 4, 1]


def test_the_bound_is_the_one_nearest_to_the_quantile_of_both_together() -> None:
    bins = np.array([[400, 450, 40, 10], [40, 45, 4, 11]])
    assert beyond_quantile(bins, 0.5).tolist() == [500, 60]
    assert beyond_quantile(bins, 0.99).tolist() == [10, 11]


def test_a_bound_that_nobody_exceeds_tells_nothing_and_is_not_taken() -> None:
    bins = np.array([[900, 100, 0, 0], [90, 10, 0, 0]])
    assert beyond_quantile(bins, 0.99).tolist() == [100, 10]


@given(BINS, st.sampled_from([0.5, 0.9, 0.99]))
def test_the_choice_does_not_know_which_version_is_which(bins: np.ndarray, quantile: float) -> None:
    assert quantile_position(bins, quantile) == quantile_position(bins[::-1], quantile)


@given(BINS)
def test_each_bound_counts_what_lies_above_it(bins: np.ndarray) -> None:
    beyond = beyond_each_bound(bins)
    assert beyond.shape == (bins.shape[1] - 1, 2)
    assert all((beyond[place] == bins[:, place + 1 :].sum(1)).all() for place in range(len(beyond)))


@given(BINS)
def test_joined_bins_keep_every_request(bins: np.ndarray) -> None:
    joined = merge_bins(bins)
    assert joined.shape[1] <= 10
    assert joined.sum(1).tolist() == bins.sum(1).tolist()


@pytest.mark.parametrize("num_bins", [20, 100])
def test_even_bins_join_to_ten_even_ones(num_bins: int) -> None:
    assert merge_bins(np.full((2, num_bins), 10)).tolist() == [[num_bins] * 10] * 2
