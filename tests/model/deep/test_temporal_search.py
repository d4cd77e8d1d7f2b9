import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from model.deep.temporal_search import NUM_DEGREES, add_degrees, child_ranges, last_children, visible_parents
from model.store.store import ALWAYS

TIMES = st.lists(st.lists(st.integers(0, 9), max_size=6).map(sorted), min_size=1, max_size=4)


def _adjacency(times: list[list[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    indptr = np.cumsum([0, *(len(one) for one in times)])
    return indptr, np.array([time for one in times for time in one], dtype=np.int64)


@settings(deadline=None)  # the first call compiles
@given(times=TIMES, moment=st.integers(-1, 10), fanout=st.integers(1, 8))
def test_children_at_or_before_the_moment_newest_first(times: list[list[int]], moment: int, fanout: int) -> None:
    indptr, child_times = _adjacency(times)
    rows = np.arange(len(times), dtype=np.int32)[:, None]
    end, count = child_ranges(indptr, child_times, rows, np.full(len(times), moment))
    found = last_children(np.arange(len(child_times), dtype=np.int32), end, count, fanout)
    for parent, own in enumerate(times):
        past = [int(indptr[parent]) + i for i, time in enumerate(own) if time <= moment]
        expected = past[::-1][:fanout]
        assert count[parent, 0] == len(past)
        assert found[parent].tolist() == expected + [-1] * (fanout - len(expected))


@settings(deadline=None)
@given(times=TIMES, moment=st.integers(-1, 12), windows=st.lists(st.integers(1, 9), min_size=4, max_size=4).map(sorted))
def test_degrees_equal_the_obvious_count(times: list[list[int]], moment: int, windows: list[int]) -> None:
    indptr, child_times = _adjacency(times)
    rows, moments = np.arange(len(times), dtype=np.int32)[:, None], _moments(times)
    numbers = np.zeros((len(times), 1, NUM_DEGREES + 1), dtype=np.float32)
    then = np.full((len(times), 1), moment)
    add_degrees(indptr, child_times, moments, rows, then, np.array(windows), numbers, 1)
    for parent, own in enumerate(times):
        past = [time for time in own if time <= moment]
        inside = [[time for time in past if time > moment - window] for window in windows] + [past]
        expected = np.log1p([*(len(one) for one in inside), *(len({*one}) for one in inside)])
        np.testing.assert_allclose(numbers[parent, 0, 1:-2], expected, rtol=1e-6)
    assert not numbers[:, :, 0].any()


def test_counts_beyond_the_table_of_logarithms() -> None:
    day, times = 86_400 * 10**9, np.arange(10_000)
    times_ns = np.sort(times % 5000) * day
    numbers = np.zeros((1, 1, NUM_DEGREES), dtype=np.float32)
    here, now = np.zeros((1, 1), np.int32), np.array([[4999 * day]])
    windows = np.array([1, 4000, 4096, 4999]) * day
    add_degrees(np.array([0, 10_000]), times_ns, _moments([times_ns.tolist()]), here, now, windows, numbers, 0)
    np.testing.assert_allclose(np.expm1(numbers[0, 0, :5]), [2, 8000, 8192, 9998, 10_000], rtol=1e-5)
    np.testing.assert_allclose(np.expm1(numbers[0, 0, 5:10]), [1, 4000, 4096, 4999, 5000], rtol=1e-5)


def _moments(times: list[list[int]]) -> npt.NDArray[np.int32]:
    """Running count of different (parent, time) pairs."""
    new = [place == 0 or time != own[place - 1] for own in times for place, time in enumerate(own)]
    return np.cumsum(new, dtype=np.int32)


def test_padding_has_nothing_around_it() -> None:
    indptr, child_times = _adjacency([[1, 2]])
    padding = np.array([[-1]], dtype=np.int32)
    moment = np.array([5])
    end, count = child_ranges(indptr, child_times, padding, moment)
    assert end.tolist() == count.tolist() == [[0]]
    assert visible_parents(np.array([0], dtype=np.int32), np.array([1]), padding, moment).tolist() == [[-1]]
    numbers = np.zeros((1, 1, NUM_DEGREES), dtype=np.float32)
    windows, moments = np.array([3]), np.array([1, 2], dtype=np.int32)
    add_degrees(indptr, child_times, moments, padding, moment[:, None], windows, numbers, 0)
    assert not numbers.any()


def test_a_parent_later_than_the_moment_is_hidden() -> None:
    rows, parents = np.array([[0], [1], [2]], dtype=np.int32), np.array([0, 1, -1], dtype=np.int32)
    at_five = np.full(3, 5)
    assert visible_parents(parents, np.array([5, 6]), rows, at_five).ravel().tolist() == [0, -1, -1]
    assert visible_parents(parents, np.array([ALWAYS, ALWAYS]), rows, at_five).ravel().tolist() == [0, 1, -1]
