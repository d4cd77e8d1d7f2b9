import numpy as np
import pytest

from model.labels.table import Lists
from model.metrics import average_precision_at_k, mean_score, recall_at_k
from model.ranking.hits import hits, precisions, recalls

RIGHT = Lists(values=np.array([1, 4, 9, 2, 3]), offsets=np.array([0, 3, 4, 5]))
RANKING = np.array([[4, 7, 1], [5, 6, 7], [3, -1, -1]])


def test_average_precision_is_that_of_the_book() -> None:
    assert hits(RIGHT, RANKING).tolist() == [[True, False, True], [False] * 3, [True, False, False]]
    # Row 0: (1/1 + 2/3) / min(3, 3); row 2 has one item, found first.
    assert precisions(RIGHT, RANKING).tolist() == pytest.approx([(1 + 2 / 3) / 3, 0, 1])
    assert recalls(RIGHT, RANKING).tolist() == pytest.approx([2 / 3, 0, 1])


def test_more_right_items_than_places_are_no_fault() -> None:
    assert float(average_precision_at_k(np.array([10]), np.ones((1, 2), bool))[0]) == 1
    assert float(recall_at_k(np.array([10]), np.ones((1, 2), bool))[0]) == pytest.approx(0.2)
    assert np.isnan(average_precision_at_k(np.array([0]), np.zeros((1, 2), bool))).all()


def test_nothing_ranked_is_nothing_hit() -> None:
    assert not hits(RIGHT, np.full((3, 2), -1)).any()
    assert precisions(RIGHT.take(np.zeros(0, np.int64)), np.zeros((0, 3), np.int64)).shape == (0,)


def test_a_mean_of_qualities_takes_weights() -> None:
    quality = np.array([0.0, 1.0])
    assert float(mean_score(quality, quality, np.array([1.0, 3.0]))) == 0.75
