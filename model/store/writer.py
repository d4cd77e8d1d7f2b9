"""Streams a database into the arrays of a graph store.

Memory holds one batch of rows, the dictionary of one column and, for links, two integers a row.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from model.artifact import Artifact, read_artifact, write_artifact
from model.graph import Column, Graph, Link, SemanticType, Table, timed_parents, write_graph
from model.progress import Progress, silent
from model.served.missing import MISSING_INT64
from model.store.bags import BagTarget, VectorTarget
from model.store.layout import (
    ALWAYS,
    BAGGED,
    NEVER,
    STORE_FILE,
    STORED,
    Keys,
    bag_path,
    column_path,
    find_rows,
    link_path,
    table_path,
)

BATCH_ROWS = 500_000
MAX_CATEGORIES = 100_000
"""Of one column; the most frequent are kept, a rarer value counts as missing."""
MAX_ROWS = 2**31 - 1
"""Row numbers are int32 on the disk."""
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_FLOATS = ("FLOAT", "REAL", "DOUBLE", "DECIMAL")


class Tables(Protocol):
    """An open database: one relation a table, times as TIMESTAMP in UTC."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Where the tables can be queried by name."""

    @property
    def graph(self) -> Graph:
        """What the tables mean."""


def build_store(database: Tables, path: Path, progress: Progress = silent) -> Artifact:
    """Write the graph store at `path` (kind `graph`).

    Of rows that share a primary key, children are linked to the first in time; `check_database` reports them.
    """
    graph = database.graph
    with write_artifact(path, kind="graph") as draft:
        write_graph(graph, draft.path / "graph.yaml")
        counts = {table.name: _count(database.connection, table) for table in graph.tables}
        steps = _Steps(progress=progress, total=2 * sum(counts.values()))
        for table in graph.tables:
            _write_table(database.connection, graph, table, counts[table.name], draft.path, steps)
        for link in graph.links:
            _write_link(graph, link, counts, draft.path)
            steps.add(counts[link.child_table])
        progress(steps.total, steps.total)
        (draft.path / STORE_FILE).write_text(json.dumps({"num_rows": counts}, indent=2) + "\n")
        draft.metrics["num_rows"] = counts
    return read_artifact(path, kind="graph")


@dataclass(kw_only=True, slots=True)
class _Steps:
    progress: Progress
    total: int
    done: int = 0

    def add(self, rows: int) -> None:
        self.done = min(self.done + rows, self.total)
        self.progress(self.done, self.total)


def _count(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    [(count,)] = connection.sql(f"SELECT count(*) FROM {_quoted(table.name)}").fetchall()  # noqa: S608
    assert count < MAX_ROWS, f"{table.name} has {count} rows"
    return int(count)


def _write_table(
    connection: duckdb.DuckDBPyConnection, graph: Graph, table: Table, num_rows: int, store: Path, steps: _Steps
) -> None:
    """Stream one table, sorted, into one array a column; foreign keys wait beside the links as `raw.npy`."""
    expressions: dict[str, str] = {}
    targets: dict[str, Target] = {}
    folder = table_path(store, table.name)
    if table.time_column is not None:
        expressions["time"] = f"epoch_ns({_quoted(table.time_column)})"
    elif links := timed_parents(graph, table.name):
        times = ", ".join(_parent_time_sql(graph, link) for link in links)
        expressions["time"] = f"coalesce(greatest({times}), CAST({ALWAYS} AS BIGINT))"
    targets["time"] = _Target(folder / "row_times.npy", num_rows, np.dtype(np.int64), NEVER)
    if table.primary_key is not None:
        expressions["key"] = _key_sql(table, table.primary_key)
        dtype = _key_dtype(connection, table, table.primary_key)
        targets["key"] = _Target(folder / "keys.npy", num_rows, dtype, MISSING_INT64 if dtype.kind == "i" else b"")
    for column in graph.feature_columns(table.name):
        if column.semantic_type in STORED:
            file = column_path(store, table.name, column.name)
            name = f"column {column.name}"
            expressions[name] = _value_sql(column)
            targets[name] = _column_target(connection, table, column, file, num_rows)
        if column.semantic_type in BAGGED:
            is_text = column.semantic_type is SemanticType.TEXT
            expressions[f"bag {column.name}"] = f"CAST({_quoted(column.name)} AS VARCHAR{'' if is_text else '[]'})"
            bag = bag_path(store, table.name, column.name)
            targets[f"bag {column.name}"] = BagTarget(bag, num_rows, is_text=is_text)
    for link in graph.parents(table.name):
        parent = graph.table(link.parent_table)
        assert parent.primary_key is not None, f"{link} points at a table without a primary key"
        dtype = _key_dtype(connection, parent, parent.primary_key)
        name = f"link {link.child_column}"
        expressions[name] = _foreign_key_sql(link, dtype)
        targets[name] = _Target(
            link_path(store, link) / "raw.npy", num_rows, dtype, MISSING_INT64 if dtype.kind == "i" else b""
        )
    _stream(connection, table, expressions, targets, steps)
    if "time" not in expressions:
        targets["time"].array[:] = ALWAYS
    for target in targets.values():
        target.array.flush()
    if "key" in targets:
        _write_key_index(folder, targets["key"].array)


def _stream(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    expressions: dict[str, str],
    targets: dict[str, "Target"],
    steps: _Steps,
) -> None:
    selected = ", ".join(f"{sql} AS {_quoted(name)}" for name, sql in expressions.items()) or "1 AS nothing"
    order = ", ".join(_quoted(name) + " NULLS LAST" for name in ("time", "key") if name in expressions)
    order = order if "key" in expressions or not expressions else "ALL NULLS LAST"
    sql = f"SELECT {selected} FROM {_quoted(table.name)}" + (f" ORDER BY {order}" if order else "")  # noqa: S608
    start = 0
    for batch in connection.sql(sql).to_arrow_reader(BATCH_ROWS):
        for name in expressions:
            targets[name].write(start, batch.column(name))
        start += batch.num_rows
        steps.add(batch.num_rows)
    assert all(start == target.num_rows for target in targets.values()), f"{table.name} changed while it was read"


class _Target:
    """One array on the disk that is filled batch by batch."""

    def __init__(
        self,
        path: Path,
        num_rows: int,
        dtype: np.dtype[Any],
        missing: float | bytes,
        categories: tuple[str, ...] | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.num_rows = num_rows
        self.missing = missing
        self.categories = None if categories is None else pa.array(categories, pa.string())
        self.array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(num_rows,))

    def write(self, start: int, values: pa.Array) -> None:
        """Put `values` at rows [start, start + len(values))."""
        place = slice(start, start + len(values))
        if self.categories is not None:
            # Null and values beyond MAX_CATEGORIES both come out as null.
            values = pc.index_in(values, value_set=self.categories, skip_nulls=True)
        if self.array.dtype.kind == "S":
            values = pc.cast(values, pa.binary())
            self.array[place] = np.array(pc.fill_null(values, b"").to_pylist(), dtype=self.array.dtype)
        else:
            self.array[place] = pc.fill_null(values, self.missing).to_numpy(zero_copy_only=False)
        if self.array.dtype.kind == "f":
            block = self.array[place]
            block[~np.isfinite(block)] = np.nan


Target = _Target | BagTarget | VectorTarget


def _column_target(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column, file: Path, num_rows: int
) -> "Target":
    if column.semantic_type is SemanticType.EMBEDDING:
        length = f"SELECT mode(len({_quoted(column.name)})) FROM {_quoted(table.name)}"  # noqa: S608
        [(width,)] = connection.sql(length).fetchall()
        return VectorTarget(file, num_rows, width or 0)
    if column.semantic_type is SemanticType.NUMERICAL:
        return _Target(file, num_rows, np.dtype(np.float32), float("nan"))
    if column.semantic_type is SemanticType.TIMESTAMP:
        return _Target(file, num_rows, np.dtype(np.int64), MISSING_INT64)
    values = f"SELECT {_value_sql(column)} AS value FROM {_quoted(table.name)}"  # noqa: S608
    sql = (
        f"SELECT value FROM ({values}) WHERE value IS NOT NULL "  # noqa: S608
        f"GROUP BY value ORDER BY count(*) DESC, value LIMIT {MAX_CATEGORIES}"
    )
    categories = tuple(sorted(row[0] for row in connection.sql(sql).fetchall()))
    target = _Target(file, num_rows, np.dtype(np.int32), -1, categories)
    file.with_suffix(".json").write_text(json.dumps(categories, ensure_ascii=False) + "\n")
    return target


def _write_key_index(folder: Path, keys: Keys) -> None:
    order = np.argsort(keys, kind="stable").astype(np.int32)
    np.save(folder / "key_order.npy", order)
    np.save(folder / "sorted_keys.npy", keys[order])


def _write_link(graph: Graph, link: Link, counts: dict[str, int], store: Path) -> None:
    """Turn raw foreign keys into parent rows, and those into children by parent."""
    folder = link_path(store, link)
    parent = table_path(store, link.parent_table)
    raw = np.load(folder / "raw.npy", mmap_mode="r")
    sorted_keys, key_order = np.load(parent / "sorted_keys.npy"), np.load(parent / "key_order.npy")
    parent_rows = np.empty(len(raw), dtype=np.int32)
    for start in range(0, len(raw), BATCH_ROWS):
        block = raw[start : start + BATCH_ROWS]
        # An empty text key stands for null in `raw.npy`; no parent is found for MISSING_INT64 either.
        missing = block == (b"" if block.dtype.kind == "S" else MISSING_INT64)
        parent_rows[start : start + BATCH_ROWS] = np.where(missing, -1, find_rows(sorted_keys, key_order, block))
    child_times = np.load(table_path(store, link.child_table) / "row_times.npy", mmap_mode="r").view(np.ndarray)
    indptr = np.zeros(counts[link.parent_table] + 1, dtype=np.int64)
    np.cumsum(np.bincount(parent_rows[parent_rows >= 0], minlength=counts[link.parent_table]), out=indptr[1:])
    child_rows = _group(parent_rows, indptr)
    np.save(folder / "parent_rows.npy", parent_rows)
    np.save(folder / "indptr.npy", indptr)
    np.save(folder / "child_rows.npy", child_rows)
    sorted_times = child_times[child_rows]
    np.save(folder / "child_times.npy", sorted_times)
    np.save(folder / "child_moments.npy", _moments(sorted_times, indptr))
    (folder / "raw.npy").unlink()


@numba.njit(cache=True, nogil=True)
def _group(
    parent_rows: npt.NDArray[np.int32], indptr: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:  # pragma: no cover
    """Rows by parent; rows are numbered in order of time, so each group comes out oldest first."""
    place = indptr[:-1].copy()
    child_rows = np.empty(indptr[-1], dtype=np.int32)
    for row in range(len(parent_rows)):
        parent = parent_rows[row]
        if parent >= 0:
            child_rows[place[parent]] = row
            place[parent] += 1
    return child_rows


def _moments(child_times: npt.NDArray[np.int64], indptr: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Running count of different times; each parent's first child counts as new."""
    is_new = np.ones(len(child_times), dtype=np.bool_)
    is_new[1:] = child_times[1:] != child_times[:-1]
    starts = indptr[:-1]
    is_new[starts[starts < indptr[1:]]] = True
    return np.cumsum(is_new, dtype=np.int32)


def _key_dtype(connection: duckdb.DuckDBPyConnection, table: Table, column: str) -> np.dtype[Any]:
    """Integers stay int64; every other key becomes UTF-8 bytes as wide as the longest."""
    if table.column(column).storage_type.startswith(_INTEGERS):
        return np.dtype(np.int64)
    text = f"CAST({_quoted(column)} AS VARCHAR)"
    sql = f"SELECT max(octet_length(encode({text}))) FROM {_quoted(table.name)}"  # noqa: S608
    [(num_bytes,)] = connection.sql(sql).fetchall()
    return np.dtype(f"S{max(num_bytes or 1, 1)}")


def _key_sql(table: Table, column: str) -> str:
    kind = "BIGINT" if table.column(column).storage_type.startswith(_INTEGERS) else "VARCHAR"
    return f"CAST({_quoted(column)} AS {kind})"


def _foreign_key_sql(link: Link, parent_dtype: np.dtype[Any]) -> str:
    if parent_dtype.kind == "i":
        return f"TRY_CAST({_quoted(link.child_column)} AS BIGINT)"
    # A longer value cannot be a key of the parent; cutting it to the parent's width could turn it into one.
    text = f"CAST({_quoted(link.child_column)} AS VARCHAR)"
    return f"CASE WHEN octet_length(encode({text})) <= {parent_dtype.itemsize} THEN {text} END"


def _parent_time_sql(graph: Graph, link: Link) -> str:
    """When the parent of each row came to be, NEVER where that is not known; null without a parent."""
    parent = graph.table(link.parent_table)
    key = graph.table(link.parent_table).column(parent.primary_key or "")
    own = graph.table(link.child_table).column(link.child_column)
    kind = "" if own.storage_type == key.storage_type else "::VARCHAR"
    return (
        f"(SELECT min(coalesce(epoch_ns(p.{_quoted(parent.time_column or '')}), {NEVER})) "  # noqa: S608
        f"FROM {_quoted(parent.name)} AS p "
        f"WHERE p.{_quoted(key.name)}{kind} = {_quoted(link.child_table)}.{_quoted(own.name)}{kind})"
    )


def _value_sql(column: Column) -> str:
    """How a column is read: float32, nanoseconds, a list of float32, or the text of a category."""
    name = _quoted(column.name)
    if column.semantic_type is SemanticType.NUMERICAL:
        return f"TRY_CAST({name} AS FLOAT)"
    if column.semantic_type is SemanticType.TIMESTAMP:
        return f"epoch_ns(CAST({name} AS TIMESTAMP))"
    if column.semantic_type is SemanticType.EMBEDDING:
        return f"TRY_CAST({name} AS FLOAT[])"
    if column.storage_type == "BOOLEAN":
        # The payload has no booleans: they arrive as 0 and 1.
        return f"CAST(CAST({name} AS TINYINT) AS VARCHAR)"
    if column.storage_type.startswith(_FLOATS):
        return f"CAST(CAST({name} AS FLOAT) AS VARCHAR)"
    return f"CAST({name} AS VARCHAR)"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
