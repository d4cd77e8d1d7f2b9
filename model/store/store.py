"""Tables become memory-mapped arrays and time-sorted adjacency: an artifact of kind `graph`.

Rows of a table are numbered in order of (time, primary key); every array of a table follows that order. A row of a
table without a time column has the latest time of its parents, or ALWAYS; a row whose time is null has time NEVER and
is seen by nobody.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.artifact import Artifact, read_artifact
from model.errors import UserError
from model.graph import Graph, Link, read_graph
from model.store.bags import INDPTR_FILE, PARTS_FILE
from model.store.layout import (
    ALWAYS,
    NEVER,
    STORE_FILE,
    Keys,
    Rows,
    bag_path,
    column_path,
    find_rows,
    link_path,
    table_path,
)
from model.store.writer import build_store

__all__ = ["ALWAYS", "NEVER", "Adjacency", "GraphStore", "Keys", "Rows", "build_store", "open_store"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjacency:
    """Children of each parent row, oldest first; those of parent `p` lie in [indptr[p], indptr[p + 1])."""

    indptr: npt.NDArray[np.int64]
    """[parents + 1]"""
    child_rows: npt.NDArray[np.int32]
    """[linked children] ascending within a parent."""
    child_times: npt.NDArray[np.int64]
    """[linked children] nanoseconds, ascending within a parent."""
    child_moments: npt.NDArray[np.int32]
    """[linked children] how many different (parent, time) pairs there are up to here, this one included."""


class GraphStore:
    """An open `graph` artifact; arrays are read from the disk where they are touched."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.graph: Graph = read_graph(artifact.path / "graph.yaml")
        self._num_rows: dict[str, int] = json.loads((artifact.path / STORE_FILE).read_text())["num_rows"]
        self._arrays: dict[Path, npt.NDArray[Any]] = {}
        self._texts: dict[Path, tuple[str, ...]] = {}
        self._kept: dict[str, npt.NDArray[Any]] = {}

    def num_rows(self, table: str) -> int:
        """Rows of `table`."""
        return self._num_rows[table]

    def keys(self, table: str) -> Keys:
        """[rows] primary keys: int64, or UTF-8 bytes of fixed width; the row number in a table without a key."""
        if self.graph.table(table).primary_key is None:
            return np.arange(self.num_rows(table), dtype=np.int64)
        return self._load(table_path(self.artifact.path, table) / "keys.npy")

    def rows_of(self, table: str, keys: npt.NDArray[Any] | Sequence[int] | Sequence[str]) -> Rows:
        """[keys] row of each key, -1 where the table has no such key.

        Raises:
            UserError: text keys for a table with numbers as keys.
        """
        folder = table_path(self.artifact.path, table)
        return find_rows(self._load(folder / "sorted_keys.npy"), self._load(folder / "key_order.npy"), keys, table)

    def column(self, table: str, column: str) -> npt.NDArray[Any]:
        """[rows] float32 with NaN, int64 ns with MISSING_INT64, or int32 codes with -1, by semantic type; of an
        embedding column float32 [rows, width]."""
        return self._load(column_path(self.artifact.path, table, column))

    def bags(self, table: str, column: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
        """(where each row begins [rows + 1], hashed parts of all rows) of a text or multicategorical column."""
        folder = bag_path(self.artifact.path, table, column)
        indptr = self._load(folder / INDPTR_FILE)
        if indptr[-1] == 0:
            return indptr, np.zeros(0, dtype=np.uint32)
        return indptr, np.memmap(folder / PARTS_FILE, dtype=np.uint32, mode="r").view(np.ndarray)

    def categories(self, table: str, column: str) -> tuple[str, ...]:
        """Values of a categorical or text column in code order."""
        path = column_path(self.artifact.path, table, column).with_suffix(".json")
        if path not in self._texts:
            self._texts[path] = tuple(json.loads(path.read_text()))
        return self._texts[path]

    def row_times(self, table: str) -> npt.NDArray[np.int64]:
        """[rows] ascending nanoseconds; ALWAYS where neither the table nor a parent has one, NEVER where it is null."""
        return self._load(table_path(self.artifact.path, table) / "row_times.npy")

    def num_visible(self, table: str, upto_ns: int) -> int:
        """How many rows exist at `upto_ns`, the bound included; they are rows [0, n)."""
        return int(np.searchsorted(self.row_times(table), upto_ns, side="right"))

    def children(self, link: Link) -> Adjacency:
        """Rows of the link's child table by row of its parent table."""
        folder = link_path(self.artifact.path, link)
        return Adjacency(**{name: self._load(folder / f"{name}.npy") for name in Adjacency.__slots__})

    def parent_rows(self, link: Link) -> npt.NDArray[np.int32]:
        """[child rows] row in the parent table; -1 where the foreign key is null or dangling."""
        return self._load(link_path(self.artifact.path, link) / "parent_rows.npy")

    def kept(self, key: str, make: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """What `make` gave when it was first asked for under this key: arrays that take a while to derive."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    @cached_property
    def last_time_ns(self) -> int:
        """Latest known row time of all tables; ALWAYS where no table has a time."""
        latest = ALWAYS
        for name in self._num_rows:
            times = self.row_times(name)
            known = int(np.searchsorted(times, NEVER, side="left"))
            latest = max(latest, int(times[known - 1]) if known else ALWAYS)
        return latest

    def _load(self, path: Path) -> npt.NDArray[Any]:
        if path not in self._arrays:
            # A plain array over the mapped pages: compiled code does not take the subclass.
            try:
                self._arrays[path] = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
            except FileNotFoundError as error:
                place = path.relative_to(self.artifact.path)
                raise UserError(
                    f"`{self.artifact.path}` lacks `{place}`: it was made by an earlier version",
                    hint="run `stillhouse check` again",
                ) from error
        return self._arrays[path]


def open_store(path: Path) -> GraphStore:
    """Open the `graph` artifact at `path`.

    Raises:
        UserError: there is none.
    """
    return GraphStore(read_artifact(path, kind="graph"))
