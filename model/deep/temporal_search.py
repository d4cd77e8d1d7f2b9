"""Compiled searches in time-sorted adjacency, for every token of a batch: none reads anything after its time.

Legend: B seeds, M tokens of one step, D numbers of a token. Rows of -1 are padding.
"""

import numba
import numpy as np
import numpy.typing as npt

from model.served.features import LOG_DAYS_SCALE, NS_PER_DAY
from model.store.store import ALWAYS

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

DEGREE_WINDOWS_DAYS = (7, 30, 90, 365)
NUM_DEGREES = 2 * (len(DEGREE_WINDOWS_DAYS) + 1) + 2
"""Of one child link: log1p of children in each window and in all; the same of their different moments (the lines of one
basket are one moment); log-days since the last and since the first child."""
_LOG_COUNTS = np.log1p(np.arange(4096)).astype(np.float32)
"""log1p of the counts that are common; a logarithm takes as long as several memory reads."""


@numba.njit(cache=True, nogil=True)
def days_between(rows_BM: Int32, row_times: Int64, times_B: Int64) -> Float32:
    """Days from each row's time to its seed's; NaN for padding and rows that have always existed."""
    ages_BM = np.full(rows_BM.shape, np.nan, dtype=np.float32)
    for b in range(rows_BM.shape[0]):
        for m in range(rows_BM.shape[1]):
            row = rows_BM[b, m]
            if row >= 0 and row_times[row] != ALWAYS:
                ages_BM[b, m] = (times_B[b] - row_times[row]) / NS_PER_DAY
    return ages_BM


@numba.njit(cache=True, nogil=True)
def first_after(times: Int64, start: int, end: int, moment: int) -> int:
    """First position in [start, end) whose time is later than `moment`; `end` where there is none."""
    while start < end:
        middle = (start + end) // 2
        if times[middle] > moment:
            end = middle
        else:
            start = middle + 1
    return start


@numba.njit(cache=True, nogil=True)
def child_ranges(indptr: Int64, child_times: Int64, rows_BM: Int32, times_B: Int64) -> tuple[Int64, Int64]:
    """For each token: one past its last visible child, and how many are visible; both 0 for padding."""
    end_BM = np.zeros(rows_BM.shape, dtype=np.int64)
    count_BM = np.zeros(rows_BM.shape, dtype=np.int64)
    for b in range(rows_BM.shape[0]):
        for m in range(rows_BM.shape[1]):
            row = rows_BM[b, m]
            if row >= 0:
                start = indptr[row]
                end_BM[b, m] = first_after(child_times, start, indptr[row + 1], times_B[b])
                count_BM[b, m] = end_BM[b, m] - start
    return end_BM, count_BM


@numba.njit(cache=True, nogil=True)
def last_children(child_rows: Int32, end_BM: Int64, count_BM: Int64, fanout: int) -> Int32:
    """The newest `fanout` children of each token, newest first, padded with -1."""
    num_seeds, num_sources = end_BM.shape
    children_BM = np.full((num_seeds, num_sources * fanout), -1, dtype=np.int32)
    for b in range(num_seeds):
        for m in range(num_sources):
            for k in range(min(fanout, count_BM[b, m])):
                children_BM[b, m * fanout + k] = child_rows[end_BM[b, m] - 1 - k]
    return children_BM


@numba.njit(cache=True, nogil=True)
def visible_parents(parent_rows: Int32, parent_times: Int64, rows_BM: Int32, times_B: Int64) -> Int32:
    """The parent of each token; -1 where there is none or it comes after the seed's time."""
    parents_BM = np.full(rows_BM.shape, -1, dtype=np.int32)
    for b in range(rows_BM.shape[0]):
        for m in range(rows_BM.shape[1]):
            row = rows_BM[b, m]
            if row >= 0:
                parent = parent_rows[row]
                if parent >= 0 and parent_times[parent] <= times_B[b]:
                    parents_BM[b, m] = parent
    return parents_BM


@numba.njit(cache=True, nogil=True)
def times_of(rows_BM: Int32, row_times: Int64) -> Int64:
    """Time of each row; ALWAYS for padding."""
    times_BM = np.full(rows_BM.shape, ALWAYS, dtype=np.int64)
    for b in range(rows_BM.shape[0]):
        for m in range(rows_BM.shape[1]):
            if rows_BM[b, m] >= 0:
                times_BM[b, m] = row_times[rows_BM[b, m]]
    return times_BM


@numba.njit(cache=True, nogil=True)
def _log_count(count: int) -> float:
    """log1p, from a table where it reaches."""
    return float(_LOG_COUNTS[count]) if count < len(_LOG_COUNTS) else float(np.log1p(count))


@numba.njit(cache=True, nogil=True)
def add_degrees(
    indptr: Int64,
    child_times: Int64,
    child_moments: Int32,
    rows_BM: Int32,
    times_BM: Int64,
    windows_ns: Int64,
    degrees_BMD: Float32,
    place: int,
) -> None:
    """Fill NUM_DEGREES columns from `place` on; a token without a time of its own keeps what is there.

    `windows_ns` ascends.
    """
    num_windows = len(windows_ns)
    for b in range(rows_BM.shape[0]):
        for m in range(rows_BM.shape[1]):
            row, moment = rows_BM[b, m], times_BM[b, m]
            if row < 0 or moment == ALWAYS:
                continue
            start = indptr[row]
            end = first_after(child_times, start, indptr[row + 1], moment)
            if end == start:
                continue
            before = start
            # From the widest to the narrowest: each search is within what the last one left.
            for w in range(num_windows, -1, -1):
                if w < num_windows:
                    before = first_after(child_times, before, end, moment - windows_ns[w])
                if before < end:
                    earlier = child_moments[before - 1] if before > 0 else 0
                    degrees_BMD[b, m, place + w] = _log_count(end - before)
                    moments = child_moments[end - 1] - earlier
                    degrees_BMD[b, m, place + num_windows + 1 + w] = _log_count(moments)
            if child_times[end - 1] != ALWAYS:
                last = (moment - child_times[end - 1]) / NS_PER_DAY
                first = (moment - child_times[start]) / NS_PER_DAY
                degrees_BMD[b, m, place + NUM_DEGREES - 2] = np.log1p(last) / LOG_DAYS_SCALE
                degrees_BMD[b, m, place + NUM_DEGREES - 1] = np.log1p(first) / LOG_DAYS_SCALE


@numba.njit(cache=True, nogil=True)
def add_gaps(ages_BM: Float32, fanout: int, numbers_BMD: Float32, place: int) -> None:
    """Fill two columns from `place` on: log-days to the next newer child of the same parent, and 1 where they are 0."""
    for b in range(ages_BM.shape[0]):
        newer = np.float32(0.0)
        for m in range(ages_BM.shape[1]):
            if m % fanout == 0:
                newer = np.float32(0.0)
            gap = ages_BM[b, m] - newer
            newer = ages_BM[b, m]
            if not np.isnan(gap):
                gap = max(gap, np.float32(0.0))
                numbers_BMD[b, m, place] = np.log1p(gap) / LOG_DAYS_SCALE
                numbers_BMD[b, m, place + 1] = gap == 0.0
