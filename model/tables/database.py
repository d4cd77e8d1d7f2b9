# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""A folder of parquet and CSV files, or one DuckDB file, becomes a database whose views show what the graph names.

with open_database(Path("runs/shop")) as database:
    database.connection.execute('SELECT count(*) FROM "transactions"')
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from model.errors import UserError
from model.graph import Column, Graph, SemanticType, Table, read_graph, write_graph
from model.tables.infer import infer_graph
from model.tables.key_names import FLOATS, INTEGERS
from model.tables.sources import add_sources, connect, first_files, reading, source_columns
from model.tables.sql_text import quote
from model.tables.stated import read_stated

GRAPH_FILE = "graph.yaml"
_TYPE_NAME = re.compile(r"[A-Za-z_ ]+(\(\d+(, ?\d+)?\))?(\[\d*\])*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """Tables ready to be asked: one view each in schema `main`, times as TIMESTAMP in UTC (microseconds)."""

    folder: Path
    graph: Graph
    connection: duckdb.DuckDBPyConnection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def num_rows(self, table: str) -> int:
        """Rows of one table."""
        return int(self.rows(f"SELECT count(*) FROM {quote(table)}")[0][0])

    def time_range(self) -> tuple[int, int]:
        """First and last time of any row, nanoseconds since the Unix epoch.

        Raises:
            UserError: no table has a time column with a value in it.
        """
        timed = [(t.name, t.time_column) for t in self.graph.tables if t.time_column is not None]
        union = " UNION ALL ".join(f"SELECT {quote(time)} AS t FROM {quote(name)}" for name, time in timed)
        first, last = (
            self.rows(f"SELECT epoch_ns(min(t)), epoch_ns(max(t)) FROM ({union})")[0] if timed else (None,) * 2
        )
        if first is None or last is None:
            raise UserError(
                f"no table in `{self.folder}` has a time", hint=f"name a `time_column` for one table in {GRAPH_FILE}"
            )
        return int(first), int(last)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query, read through a cursor of its own; UserError where a file turns out to be broken."""
        with reading(self.folder), self.connection.cursor() as cursor:
            return cursor.execute(sql).fetchall()


def load_graph(folder: Path) -> Graph:
    """What `graph.yaml` beside the tables says, or else what the tables suggest.

    Raises:
        UserError: no tables there, a broken file, or a `graph.yaml` that contradicts itself.
    """
    path = (folder if folder.is_dir() else folder.parent) / GRAPH_FILE
    if path.exists():
        return read_graph(path)
    with connect(folder) as connection, reading(folder):
        types = source_columns(connection, add_sources(connection, folder))
        return infer_graph(connection, types, read_stated(first_files(folder)))


def save_graph(folder: Path, graph: Graph) -> Path:
    """Write `graph.yaml` beside the tables, for a person to correct.

    Raises:
        UserError: there is one already, or the folder cannot be written.
    """
    path = (folder if folder.is_dir() else folder.parent) / GRAPH_FILE
    if path.exists():
        raise UserError(f"`{path}` is there already", hint="edit it, or remove it first")
    try:
        write_graph(graph, path)
    except OSError as error:
        raise UserError(f"cannot write `{path}`: {error.strerror}", hint="copy or link the tables elsewhere") from error
    return path


def open_database(folder: Path, graph: Graph | None = None) -> Database:
    """Open the tables in `folder` (or the DuckDB file that it names) as `graph` describes them.

    Sources: `<table>.parquet`, `<table>.csv`, a sub-folder `<table>/` of parts of either, or one `.duckdb` file. Naive
    times and dates are taken as UTC. Nothing is written.

    Raises:
        UserError: no tables, a broken file, or a table, column or type of `graph` that is not there.
    """
    connection = connect(folder)
    try:
        sources = source_columns(connection, add_sources(connection, folder))
        path = (folder if folder.is_dir() else folder.parent) / GRAPH_FILE
        if graph is None:
            with reading(folder):
                stated = {} if path.exists() else read_stated(first_files(folder))
                graph = read_graph(path) if path.exists() else infer_graph(connection, sources, stated)
        if missing := missing_columns(graph, sources):
            raise UserError(f"`{folder}`: {missing[0][1]}", hint=missing[0][2])
        for table in graph.tables:
            _add_view(connection, table, sources[table.name])
    except BaseException:
        connection.close()
        raise
    return Database(folder=folder, graph=graph, connection=connection)


def source_types(folder: Path) -> dict[str, dict[str, str]]:
    """Table -> column -> DuckDB type, as the files have them."""
    with connect(folder) as connection:
        return source_columns(connection, add_sources(connection, folder))


def missing_columns(graph: Graph, sources: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str, str]]:
    """(place, message, hint) for every table and column that the graph names and the files do not have."""
    missing = []
    for table in graph.tables:
        if table.name not in sources:
            missing.append((table.name, f"no table `{table.name}`", _did_you_mean(table.name, list(sources))))
            continue
        names = list(sources[table.name])
        for column in table.columns:
            if column.name not in names:
                place = f"{table.name}.{column.name}"
                missing.append((place, f"no column `{place}`", _did_you_mean(column.name, names)))
    return missing


def _did_you_mean(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"there are {', '.join(f'`{n}`' for n in sorted(names))}"


def _add_view(connection: duckdb.DuckDBPyConnection, table: Table, types: Mapping[str, str]) -> None:
    """Show the graph's columns of one table, each cast to the type that the graph states; NaN is null."""
    selected = []
    for column in table.columns:
        wanted = "TIMESTAMP" if _is_time(table, column) else column.storage_type
        if wanted != types[column.name]:
            _refuse_lossy_cast(connection, table.name, column.name, types[column.name], wanted)
        value = f"CAST({_present(column.name, types[column.name])} AS {wanted})"
        selected.append(f"{value} AS {quote(column.name)}")
    connection.execute(f"CREATE VIEW {quote(table.name)} AS SELECT {', '.join(selected)} FROM raw.{quote(table.name)}")


def _present(column: str, storage_type: str) -> str:
    """The value, or null where it is NaN, which is what numpy writes for a gap.

    DuckDB 2.0 believes parquet's statistics, which leave NaN out, and answers `isnan(column)` by them; of an
    exponential they say nothing.
    """
    name = quote(column)
    return f"CASE WHEN NOT isnan(exp({name})) THEN {name} END" if storage_type in FLOATS else name


def _is_time(table: Table, column: Column) -> bool:
    return column.name == table.time_column or column.semantic_type is SemanticType.TIMESTAMP


def _refuse_lossy_cast(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, actual: str, wanted: str
) -> None:
    """A stated type that some value does not have is an error now, not nulls later."""
    place = f"{table}.{column}"
    if not _TYPE_NAME.fullmatch(wanted):
        raise UserError(f"`{place}` has no such type (got {wanted!r})", hint="use a DuckDB type, e.g. BIGINT")
    value = _present(column, actual)
    is_lossy = f"TRY_CAST({value} AS {wanted}) IS NULL"
    if actual in FLOATS and wanted in INTEGERS:
        is_lossy = f"({is_lossy} OR ({value}) != floor({value}))"
    query = f"SELECT count(*), any_value({value}) FROM raw.{quote(table)} WHERE ({value}) IS NOT NULL AND {is_lossy}"
    hint = f"mend `storage_type` or `semantic_type` of `{place}` in {GRAPH_FILE}, or the values"
    try:
        row = connection.execute(query).fetchone()
    except duckdb.Error as error:
        raise UserError(f"`{place}` is {actual} and cannot be read as {wanted}", hint=hint) from error
    assert row is not None
    if row[0]:
        raise UserError(
            f"`{place}` is {actual}; {row[0]} values cannot be read as {wanted} (got {row[1]!r})", hint=hint
        )
