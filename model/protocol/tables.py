# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""The tables that a protocol speaks of, as folders of parquet: generated or filtered, and frozen at a moment.

Copies, so that what a figure was measured on lies beside it, with a digest.
"""

from dataclasses import asdict, replace
from pathlib import Path

from model.artifact import MANIFEST, Artifact, read_artifact, write_artifact
from model.errors import UserError
from model.graph import Graph, SemanticType
from model.progress import Progress, silent
from model.protocol.protocol import FolderTables, Protocol, ShopTables
from model.query import parse_query
from model.query.conditions import comparison_sql, condition_sql
from model.query.names import Names
from model.query.syntax import Aggregate, ColumnRef, Comparison
from model.shop.simulate import PRESETS, generate_shop
from model.shop.state import ShopSettings
from model.tables.database import Database, open_database, save_graph
from model.tables.sql_text import literal, quote

_TABLES_BELOW = "db"


def prepare_tables(protocol: Protocol, given: Path | None, path: Path, progress: Progress = silent) -> Artifact:
    """Generate the shop, or copy the rows of a folder that the protocol keeps (kind `tables`).

    Raises:
        UserError: no such folder, table or column.
    """
    if isinstance(protocol.tables, ShopTables):
        settings = shop_settings(protocol.tables)
        return _generated(settings, path) or generate_shop(settings, path, progress)
    folder = find_folder(protocol.tables, given)
    with open_database(folder) as database:
        graph = _without_ignored(database.graph, protocol.tables.ignore)
        conditions = {name: _condition(graph, name, text) for name, text in protocol.tables.keep.items()}
        return _copy(database, graph, conditions, path, {"tables": protocol.tables.model_dump()})


def shop_settings(tables: ShopTables) -> ShopSettings:
    """The preset with the protocol's seed, and without the signals that it switches off."""
    return replace(PRESETS[tables.shop], seed=tables.seed).without(tables.without)


def _generated(settings: ShopSettings, path: Path) -> Artifact | None:
    """The shop of an earlier run, where it is the same."""
    if not (path / MANIFEST).exists():
        return None
    found = read_artifact(path, kind="tables")
    return found if found.settings == asdict(settings) else None


def freeze_tables(database: Database, at_ns: int, entity_table: str, path: Path) -> Artifact:
    """Leave out rows that are later than a moment (kind `tables`).

    Entities stay whatever their time: a test row must be able to name them.
    """
    moment = f"make_timestamp({at_ns // 1000})"
    conditions = {
        table.name: f"({quote(table.time_column)} IS NULL OR {quote(table.time_column)} <= {moment})"
        for table in database.graph.tables
        if table.time_column is not None and table.name != entity_table
    }
    return _copy(database, database.graph, conditions, path, {"frozen_ns": at_ns})


def find_folder(tables: FolderTables, given: Path | None) -> Path:
    """The folder itself, or the one of that name below it; in either, the tables may lie in `db`, as RelBench's do.

    Raises:
        UserError: neither is there.
    """
    if given is None:
        raise UserError(f"no tables `{tables.folder}`", hint=f"give `--tables DIR` with the folder `{tables.folder}`")
    place = given.resolve()
    if place.name == _TABLES_BELOW and place.parent.name == tables.folder and given.is_dir():
        return given
    for folder in (given / tables.folder, *([given] if place.name == tables.folder else [])):
        if folder.is_dir():
            return folder / _TABLES_BELOW if (folder / _TABLES_BELOW).is_dir() else folder
    raise UserError(
        f"no tables `{tables.folder}` (got --tables {given})",
        hint=f"give `--tables DIR` with the folder `{tables.folder}`, or one that holds it; link yours under this name",
    )


def _copy(
    database: Database, graph: Graph, conditions: dict[str, str], path: Path, settings: dict[str, object]
) -> Artifact:
    with write_artifact(path, kind="tables", settings=settings) as draft:
        for table in graph.tables:
            target = draft.path / f"{table.name}.parquet"
            rows = f"SELECT * FROM {quote(table.name)} WHERE {conditions.get(table.name, 'TRUE')}"
            database.rows(f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet)")
        save_graph(draft.path, graph)
    return read_artifact(path, kind="tables")


def _without_ignored(graph: Graph, ignored: tuple[str, ...]) -> Graph:
    known = {f"{table.name}.{column.name}" for table in graph.tables for column in table.columns}
    for place in ignored:
        if place not in known:
            raise UserError(f"`ignore` names `{place}`, which the tables do not have", hint="write table.column")
    tables = [
        table.model_copy(
            update={
                "columns": tuple(
                    column.model_copy(update={"semantic_type": SemanticType.IGNORED})
                    if f"{table.name}.{column.name}" in ignored
                    else column
                    for column in table.columns
                )
            }
        )
        for table in graph.tables
    ]
    return graph.model_copy(update={"tables": tuple(tables)})


def _condition(graph: Graph, name: str, text: str) -> str:
    """SQL of a condition on the columns of one table, by the grammar and the rules of queries."""
    if name not in {table.name for table in graph.tables}:
        raise UserError(f"`keep` names the table `{name}`, which is not there")
    query = f"PREDICT COUNT({name}.* WHERE {text}, 0, 1, days) FOR EACH {name}.key"
    target = parse_query(query).target
    assert isinstance(target, Aggregate), "a query of this form has an aggregate"
    assert target.where is not None, "and its condition"
    names = Names(query, graph)

    def leaf(comparison: Comparison) -> str:
        ref = comparison.operand
        if not isinstance(ref, ColumnRef) or ref.table != name:
            raise UserError(f"`keep` of `{name}` speaks of something else (got `{ref}`)", hint="use its own columns")
        return comparison_sql(comparison, quote(ref.column), Names.kind(names.column(ref)))

    return condition_sql(target.where, leaf)
