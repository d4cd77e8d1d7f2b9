"""What the children of a row were like lately, as of any time: means of their numbers, shares of their categories.

Sums run along each parent's time-sorted children, so a window costs two searches however many rows it holds, for every
token alike: the entity, the article that it bought, the team that it met.
Legend: T rows asked about, L linked children, S summed columns, N numbers of a row.
"""

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial

import numba
import numpy as np
import numpy.typing as npt

from model.deep.temporal_search import first_after
from model.graph import Graph
from model.served.features import NS_PER_DAY, Encoded, TableFeatures, features_to_json
from model.store.row_features import RowEncoder
from model.store.store import ALWAYS, Adjacency, GraphStore

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

WINDOWS_DAYS = (30, 90, 365)
NUM_WINDOWS = len(WINDOWS_DAYS) + 1
"""Each window, and ever."""
TOP_VALUES = 3
"""Shares are told of this many values of a categorical column, those most frequent in training."""
MAX_SUMMED = 32
"""Columns of one child table; the numbers come first."""
_CHUNK_ROWS = 500_000


def num_summaries(graph: Graph, features: Mapping[str, TableFeatures], table: str) -> int:
    """N of the rows of a table."""
    return NUM_WINDOWS * sum(len(_summed(features[link.child_table])) for link in graph.children(table))


class Summaries:
    """Of the rows of one table; holds no state between calls, so threads may share it."""

    def __init__(
        self,
        store: GraphStore,
        table: str,
        features: Mapping[str, TableFeatures],
        *,
        windows_days: tuple[int, ...] = WINDOWS_DAYS,
    ) -> None:
        """Sum along every link to the table, once for each store.

        Args:
            store: where the rows are.
            table: the parents.
            features: of the child tables: which columns are summed, and how they are scaled.
            windows_days: ascending; `ever` comes after them.
        """
        self._windows_ns = np.array(windows_days, dtype=np.int64) * NS_PER_DAY
        self._links: list[tuple[Adjacency, Float64]] = []
        for link in store.graph.children(table):
            child = features[link.child_table]
            if _summed(child):
                near = store.children(link)
                key = f"totals of {link} {features_to_json({child.table: child})}"
                self._links.append((near, store.kept(key, partial(_totals, store, near, child))))
        self.widths = tuple(len(_summed(features[link.child_table])) for link in store.graph.children(table))
        """[child links] summed columns of each: the numbers, then the shares."""
        self._num_windows = len(windows_days) + 1
        self.num = self._num_windows * sum(self.widths)

    def of(self, rows_T: Int64, times_T: Int64) -> Float32:
        """[T, N] for rows of the table, each as of its own time; 0 where it had no child, or no time (ALWAYS)."""
        means_TN = np.zeros((len(rows_T), self.num), dtype=np.float32)
        place = 0
        for near, totals_LS in self._links:
            _add_means(near.indptr, near.child_times, totals_LS, rows_T, times_T, self._windows_ns, means_TN, place)
            place += self._num_windows * totals_LS.shape[1]
        return means_TN


def _summed(features: TableFeatures) -> list[tuple[int, int]]:
    """(position, value) of each summed column: numbers have value -1, categories the code whose share it is."""
    numbers = [(2 * position, -1) for position in range(len(features.numericals))]
    shares = [
        (position, code)
        for position, feature in enumerate(features.categoricals)
        for code in range(1, min(TOP_VALUES, len(feature.values)) + 1)
    ]
    return [*numbers, *shares][:MAX_SUMMED]


def _totals(store: GraphStore, near: Adjacency, features: TableFeatures) -> Float64:
    """[L, S] of each child and all older ones of the same parent; on the disk, so that any graph fits."""
    shape = (len(near.child_rows), len(_summed(features)))
    if shape[0] == 0:
        return np.zeros(shape)
    with tempfile.TemporaryFile() as file:
        totals_LS = np.memmap(file, dtype=np.float64, mode="w+", shape=shape)
    encoder = RowEncoder(store, features)
    for start in range(0, shape[0], _CHUNK_ROWS):
        rows = near.child_rows[start : start + _CHUNK_ROWS].astype(np.int64)
        # Days to an anchor are no matter of the row alone: timestamps are not summed.
        encoded = encoder.encode(rows, np.zeros(len(rows), dtype=np.int64))
        totals_LS[start : start + len(rows)] = np.stack(list(_values(encoded, features)), axis=1)
    plain: Float64 = totals_LS.view(np.ndarray)
    _run(plain, near.indptr)
    return plain


def _values(encoded: Encoded, features: TableFeatures) -> Iterator[npt.NDArray[np.floating]]:
    for position, code in _summed(features):
        yield encoded.dense_RF[:, position] if code < 0 else (encoded.codes_RC[:, position] == code).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _run(totals_LS: Float64, indptr: Int64) -> None:
    for parent in range(len(indptr) - 1):
        for place in range(indptr[parent] + 1, indptr[parent + 1]):
            for s in range(totals_LS.shape[1]):
                totals_LS[place, s] += totals_LS[place - 1, s]


@numba.njit(cache=True, nogil=True)
def _add_means(
    indptr: Int64,
    child_times: Int64,
    totals_LS: Float64,
    rows_T: Int64,
    times_T: Int64,
    windows_ns: Int64,
    means_TN: Float32,
    place: int,
) -> None:
    """Fill the means of each window, then of all; `windows_ns` ascends."""
    num_windows, num_summed = len(windows_ns), totals_LS.shape[1]
    for t in range(len(rows_T)):
        moment = times_T[t]
        if moment == ALWAYS:
            continue
        start = indptr[rows_T[t]]
        end = first_after(child_times, start, indptr[rows_T[t] + 1], moment)
        before = start
        for w in range(num_windows, -1, -1):
            if w < num_windows:
                before = first_after(child_times, before, end, moment - windows_ns[w])
            for s in range(num_summed if before < end else 0):
                earlier = totals_LS[before - 1, s] if before > start else 0.0
                means_TN[t, place + w * num_summed + s] = (totals_LS[end - 1, s] - earlier) / (end - before)
