"""The search finds the highest rate that holds, whatever that is, and is not fooled by one bad try."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.knee import LOWEST_RATE, KneeSearch

TOLERANCE = 0.05


def searched(start: float, holds: Callable[[float], bool]) -> tuple[KneeSearch, list[float]]:
    search, tried = KneeSearch(start=start, tolerance=TOLERANCE), []
    while (rate := search.next_rate()) is not None:
        tried.append(rate)
        assert len(tried) < 200, "the search does not end"
        search.tell(rate, holds(rate))
    return search, tried


@given(start=st.floats(1, 5_000), knee=st.floats(2, 50_000))
def test_it_ends_just_below_the_knee(start: float, knee: float) -> None:
    search, _ = searched(start, lambda rate: rate <= knee)
    if search.highest is None:
        assert knee < start  # and no rate that was tried on the way down was low enough
        assert search.lowest_failed is not None
        assert search.lowest_failed / 1.7 < LOWEST_RATE
        return
    assert search.highest <= knee
    assert search.highest >= knee / (1 + TOLERANCE) / 1.0001


@given(bad_try=st.integers(0, 12))
def test_one_bad_try_changes_nothing(bad_try: int) -> None:
    count = iter(range(1000))
    search, _ = searched(100, lambda rate: rate <= 900 and next(count) != bad_try)
    assert search.highest == pytest.approx(900, rel=TOLERANCE + 1e-6)


def test_where_nothing_holds_there_is_no_knee() -> None:
    search, tried = searched(50, lambda rate: False)
    assert search.highest is None
    assert LOWEST_RATE <= min(tried) < 2 * LOWEST_RATE


def test_a_failed_rate_is_tried_a_second_time_before_it_counts() -> None:
    search = KneeSearch(start=100, tolerance=TOLERANCE)
    search.tell(100, held=False)
    assert search.next_rate() == 100
    search.tell(100, held=False)
    assert search.next_rate() == pytest.approx(100 / 1.7)
