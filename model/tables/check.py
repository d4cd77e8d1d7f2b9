# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""A database becomes a list of findings: what is wrong with its keys, links, times and values, and where."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from model.graph import Column, Graph, Link, SemanticType, Table, timed_parents
from model.tables.database import (
    GRAPH_FILE,
    Database,
    load_graph,
    missing_columns,
    open_database,
    source_types,
)
from model.tables.key_names import key_names
from model.tables.leak import suspicious_columns
from model.tables.sql_text import quote

Level = Literal["error", "warning", "info"]
_LEVELS: tuple[Level, ...] = ("error", "warning", "info")
_ALMOST = 0.9
"""Share of different values from which a column named like the key was probably meant to be it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that the user should know of."""

    level: Level
    """`error`: training would be wrong; `warning`: it may be; `info`: worth knowing."""
    place: str
    """`table` or `table.column`."""
    message: str
    hint: str = ""


def check_folder(folder: Path, *, now_ns: int | None = None) -> tuple[Finding, ...]:
    """All findings of the tables in `folder`; columns that its `graph.yaml` names and the files lack come first.

    Raises:
        UserError: a source cannot be opened at all.
    """
    graph = load_graph(folder)
    missing = missing_columns(graph, source_types(folder))
    absent = {place for place, _, _ in missing}
    findings = [Finding(level="error", place=place, message=message, hint=hint) for place, message, hint in missing]
    with open_database(folder, _without(graph, absent)) as database:
        return (*findings, *check_database(database, now_ns=now_ns))


def check_database(database: Database, *, now_ns: int | None = None) -> tuple[Finding, ...]:
    """Look at every key, link, time and column; errors first.

    Args:
        database: the tables.
        now_ns: rows after this moment are suspicious, nanoseconds since the Unix epoch; default: now.
    """
    now_ns = int(datetime.now(UTC).timestamp() * 1e9) if now_ns is None else now_ns
    findings: list[Finding] = []
    for table in database.graph.tables:
        if not database.num_rows(table.name):
            message = f"`{table.name}` has no rows"
            findings.append(
                Finding(level="warning", place=table.name, message=message, hint="leave it out of the graph")
            )
            continue
        findings += [*_key_findings(database, table), *_time_findings(database, table, now_ns)]
        findings += _almost_key(database, table)
        findings += _empty_columns(database, table)
    for link in database.graph.links:
        findings += _link_findings(database, link)
    findings += _leak_findings(database)
    return tuple(sorted(findings, key=lambda finding: _LEVELS.index(finding.level)))


def _almost_key(database: Database, table: Table) -> list[Finding]:
    """A column that is named like the key of a table without one, and repeats only a few values."""
    if table.primary_key is not None:
        return []
    findings = []
    for name in key_names(table.name, (column.name for column in table.columns)):
        column = quote(name)
        sql = f"SELECT count({column}), count(DISTINCT {column}), count(*) FROM {quote(table.name)}"
        known, distinct, rows = database.rows(sql)[0]
        if distinct >= _ALMOST * rows and (known > distinct or rows > known):
            message = f"is named like the key, but {known - distinct} rows repeat a value and {rows - known} have none"
            hint = f"remove them, or name the key in {GRAPH_FILE}; without a key nothing links to `{table.name}`"
            findings.append(Finding(level="warning", place=f"{table.name}.{name}", message=message, hint=hint))
    return findings


def _without(graph: Graph, absent: set[str]) -> Graph:
    """The graph less tables and columns that are not there."""

    def keeps(table: str, column: str | None) -> bool:
        return column is not None and table not in absent and f"{table}.{column}" not in absent

    tables = tuple(
        Table(
            name=t.name,
            columns=tuple(c for c in t.columns if keeps(t.name, c.name)),
            primary_key=t.primary_key if keeps(t.name, t.primary_key) else None,
            time_column=t.time_column if keeps(t.name, t.time_column) else None,
        )
        for t in graph.tables
        if t.name not in absent
    )
    keyed = {t.name for t in tables if t.primary_key is not None}
    links = (k for k in graph.links if keeps(k.child_table, k.child_column) and k.parent_table in keyed)
    return Graph(tables=tables, links=tuple(links))


def _number(database: Database, sql: str) -> int:
    return int(database.rows(sql)[0][0] or 0)


def _key_findings(database: Database, table: Table) -> list[Finding]:
    if table.primary_key is None:
        return []
    key, source, place = quote(table.primary_key), quote(table.name), f"{table.name}.{table.primary_key}"
    findings = []
    if nulls := _number(database, f"SELECT count(*) - count({key}) FROM {source}"):
        message = f"{nulls} rows have no primary key"
        findings.append(
            Finding(level="error", place=place, message=message, hint="give every row a key, or drop the rows")
        )
    if repeated := _number(database, f"SELECT count({key}) - count(DISTINCT {key}) FROM {source}"):
        example = database.rows(f"SELECT {key} FROM {source} GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1")[0][0]
        message = f"{repeated} rows repeat a primary key (for example {example!r})"
        hint = "keep one row a key, or name another `primary_key`"
        findings.append(Finding(level="error", place=place, message=message, hint=hint))
    return findings


def _time_findings(database: Database, table: Table, now_ns: int) -> list[Finding]:
    if table.time_column is None:
        return _borrowed_time(database.graph, table)
    time, source, place = quote(table.time_column), quote(table.name), f"{table.name}.{table.time_column}"
    findings = []
    late = f"SELECT count(*) FROM {source} WHERE {time} > make_timestamp({now_ns // 1000})"
    if future := _number(database, late):
        message = f"{future} rows lie in the future"
        hint = "are these plans, not events? name the time at which the row was known"
        findings.append(Finding(level="warning", place=place, message=message, hint=hint))
    if nulls := _number(database, f"SELECT count(*) - count({time}) FROM {source}"):
        message = f"{nulls} rows have no time; they are never seen"
        findings.append(
            Finding(level="warning", place=place, message=message, hint="fill in the time, or drop the rows")
        )
    return findings


def _borrowed_time(graph: Graph, table: Table) -> list[Finding]:
    parents = [f"`{link.parent_table}`" for link in timed_parents(graph, table.name)]
    if not parents:
        return []
    message = f"has no time of its own: a row is seen from the time of its {' and '.join(dict.fromkeys(parents))} on"
    hint = f"name a `time_column` in {GRAPH_FILE} where the rows come later"
    return [Finding(level="info", place=table.name, message=message, hint=hint)]


def _empty_columns(database: Database, table: Table) -> list[Finding]:
    """Columns without a value; those that the graph ignores anyway are only worth knowing."""
    counts = ", ".join(f"count({quote(column.name)})" for column in table.columns)
    if not counts:
        return []
    row = database.rows(f"SELECT {counts} FROM {quote(table.name)}")[0]
    empty = [column for column, count in zip(table.columns, row, strict=True) if count == 0]
    return [_empty_column(table, column) for column in empty]


def _empty_column(table: Table, column: Column) -> Finding:
    return Finding(
        level="info" if column.semantic_type is SemanticType.IGNORED else "warning",
        place=f"{table.name}.{column.name}",
        message="no row has a value",
        hint="set its `semantic_type` to ignored",
    )


def _link_findings(database: Database, link: Link) -> list[Finding]:
    """Clashing types, dangling keys, and rows without a parent; the latter two are kept as rows without that parent."""
    parent = database.graph.table(link.parent_table)
    assert parent.primary_key is not None, "a link leads to a primary key"
    child_column = database.graph.table(link.child_table).column(link.child_column)
    parent_column = parent.column(parent.primary_key)
    place = f"{link.child_table}.{link.child_column}"
    if _family(child_column) != _family(parent_column):
        message = (
            f"{child_column.storage_type} cannot hold keys of `{parent.name}.{parent.primary_key}` "
            f"({parent_column.storage_type})"
        )
        return [Finding(level="error", place=place, message=message, hint="store both columns in one type")]
    column, key = f"c.{quote(link.child_column)}", quote(parent.primary_key)
    query = (
        f"SELECT count(*) FILTER (WHERE {column} IS NULL), "
        f"count(*) FILTER (WHERE {column} IS NOT NULL AND {column} NOT IN "
        f"(SELECT {key} FROM {quote(parent.name)} WHERE {key} IS NOT NULL)), count(*) "
        f"FROM {quote(link.child_table)} AS c"
    )
    nulls, dangling, total = database.rows(query)[0]
    findings = []
    if dangling:
        message = f"{dangling} of {total} rows name a `{parent.name}` that does not exist"
        hint = f"add the missing rows to `{parent.name}`; until then these rows have no such parent"
        findings.append(Finding(level="warning", place=place, message=message, hint=hint))
    if nulls:
        message = f"{nulls} of {total} rows have no `{parent.name}`"
        findings.append(Finding(level="info", place=place, message=message))
    return findings


def _family(column: Column) -> str:
    storage = column.storage_type.upper().lstrip("U")
    return "integer" if storage in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT") else storage


def _leak_findings(database: Database) -> list[Finding]:
    return [
        Finding(
            level="warning",
            place=place,
            message=f"may look into the future: in {share:.0%} of rows it equals {aggregate} over all time",
            hint="set its `semantic_type` to ignored, or keep it as it was known at the time",
        )
        for place, aggregate, share in suspicious_columns(database)
    ]
