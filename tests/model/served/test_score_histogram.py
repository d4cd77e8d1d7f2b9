"""Scores by bound: none lost, none counted twice, whichever thread takes them."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.served.score_histogram import ScoreHistogram, score_bounds

BOUNDS = score_bounds("binary")
scores = arrays.arrays(
    np.float32, st.integers(0, 30), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)
)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_bounds_ascend_and_are_told_apart_in_text(task: str) -> None:
    bounds = score_bounds(task)
    assert list(bounds) == sorted(set(bounds))
    assert len({f"{bound:g}" for bound in bounds}) == len(bounds)


def test_the_bounds_of_probabilities_mirror_each_other() -> None:
    np.testing.assert_allclose(1 - np.array(BOUNDS), BOUNDS[::-1], atol=1e-12)


@given(st.lists(scores, max_size=5), st.sampled_from(["binary", "regression"]))
def test_each_bound_counts_the_finite_scores_at_or_below_it(batches: list[np.ndarray], task: str) -> None:
    bounds = score_bounds(task)
    histogram = ScoreHistogram(bounds)
    for batch in batches:
        histogram.add(batch)
    finite = np.concatenate([*batches, np.array([], np.float32)])
    finite = finite[np.isfinite(finite)].astype(np.float64)
    assert histogram.take().tolist() == [int((finite <= bound).sum()) for bound in (*bounds, np.inf)]
    assert not histogram.take().any(), "what was taken is not taken again"


def test_scores_are_taken_once_while_others_are_counted() -> None:
    histogram, rounds = ScoreHistogram(BOUNDS), 2000

    def count() -> None:
        for _ in range(rounds):
            histogram.add(np.array([0.2, 0.9]))

    counting = threading.Thread(target=count)
    counting.start()
    taken = 0
    while counting.is_alive():
        taken += int(histogram.take()[-1])
    counting.join()
    assert taken + int(histogram.take()[-1]) == 2 * rounds
