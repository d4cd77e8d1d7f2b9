# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Rows of (entity, cut-off) become windowed aggregates of what is linked to the entity: deep feature synthesis in SQL.

One statement a link. Every row that is read lies at or before the cut-off; categories are chosen from training time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.baselines.feature_table import Features, join_features
from model.graph import Graph, Link, SemanticType, Table, timed_parents
from model.labels.training_table import TrainingTable
from model.progress import Progress, silent
from model.query.bound import DAY_NS, BoundQuery
from model.query.conditions import comparison_sql, condition_sql
from model.query.names import Names
from model.query.syntax import ColumnRef, Comparison, aggregates, comparisons
from model.tables.database import Database
from model.tables.sql_text import literal, quote

TOP_CATEGORIES = 5
"""Shares are computed for this many most frequent categories of a column."""
MAX_CUTOFFS = 300
"""With more different cut-offs than this, the popularity of the child's other parents is left out."""
_STATISTICS = {"sum": "sum", "mean": "avg", "min": "min", "max": "max", "std": "stddev_pop"}


def link_features(
    database: Database,
    table: TrainingTable,
    bound: BoundQuery,
    progress: Progress = silent,
    rows: npt.NDArray[np.int64] | None = None,
) -> Features:
    """Aggregates over the entity's children, and over the children of its parents.

    Args:
        database: the tables.
        table: rows to describe; features do not depend on their labels.
        bound: tells the horizon, which sets the windows, and the columns that must stay hidden.
        progress: called after every link.
        rows: positions of those that are described; what stands in the others says nothing. All by default.
    """
    plans = list(_links(database.graph, bound.entity_table))
    parts = [Features(names=(), values_RF=np.empty((len(table), 0), np.float32), categorical=())]
    with database.connection.cursor() as cursor:
        for position, (link, through) in enumerate(plans):
            _add_anchors(cursor, database.graph, table, through, np.arange(len(table)) if rows is None else rows)
            parts.append(_LinkPlan(database.graph, link, through, bound, table).features(cursor))
            progress(position + 1, len(plans))
    return join_features(parts)


def _links(graph: Graph, entity_table: str) -> Iterator[tuple[Link, Link | None]]:
    """(link to aggregate over, link from the entity to the parent whose children these are)."""
    for link in graph.children(entity_table):
        yield link, None
    for through in graph.parents(entity_table):
        for link in graph.children(through.parent_table):
            yield link, through


def _add_anchors(
    cursor: duckdb.DuckDBPyConnection,
    graph: Graph,
    table: TrainingTable,
    through: Link | None,
    rows: npt.NDArray[np.int64],
) -> None:
    """Temporary table `anchors(row, k, cutoff)`: `k` is the entity's key, or its parent's."""
    arrow = pa.table({"row": rows, "entity": pa.array(table.entity[rows]), "cutoff_us": table.cutoff_ns[rows] // 1000})
    cursor.register("anchor_rows", arrow)
    key, join = "a.entity", ""
    if through is not None:
        entity = graph.table(through.child_table)
        assert entity.primary_key is not None, "an entity has a key"
        key = f"e.{quote(through.child_column)}"
        join = f"JOIN main.{quote(entity.name)} AS e ON e.{quote(entity.primary_key)} = a.entity"
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE anchors AS "
        f"SELECT a.row, {key} AS k, make_timestamp(a.cutoff_us) AS cutoff FROM anchor_rows AS a {join}"
    )
    cursor.unregister("anchor_rows")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the child, or of one of its other parents, as it stands in the joined rows."""

    name: str
    sql: str
    meaning: SemanticType
    is_own: bool


class _LinkPlan:
    """The one statement for one link."""

    def __init__(self, graph: Graph, link: Link, through: Link | None, bound: BoundQuery, table: TrainingTable) -> None:
        self._graph = graph
        self._child = graph.table(link.child_table)
        self._link = link
        self._prefix = "" if through is None else f"{through.child_column}->"
        self._hidden = set(bound.hidden_columns)
        self._horizon_ns = bound.horizon_ns or 7 * DAY_NS
        self._others = [other for other in graph.parents(self._child.name) if other != link]
        trained = table.cutoff_ns[table.rows("train")]
        self._last_training_us = int(trained.max()) // 1000 if len(trained) else 0
        self._has_popularity = self._child.time_column is not None and len(np.unique(table.cutoff_ns)) <= MAX_CUTOFFS
        self._num_rows = len(table)
        self._asked = self._asked_conditions(bound) if through is None else []

    def features(self, cursor: duckdb.DuckDBPyConnection) -> Features:
        expressions = dict(self._expressions(cursor))
        selected = ", ".join(f"CAST({sql} AS FLOAT) AS f{i}" for i, sql in enumerate(expressions.values()))
        found = cursor.execute(
            f"WITH {self._popularity_ctes()} g AS (SELECT a.row, {selected} FROM {self._joined('anchors AS a')} "
            "GROUP BY a.row) SELECT * FROM g"
        ).fetchnumpy()
        values_RF = np.full((self._num_rows, len(expressions)), np.nan, np.float32)
        rows = np.asarray(found["row"], np.int64)
        for i, name in enumerate(expressions):
            values_RF[rows, i] = np.ma.filled(np.ma.asarray(found[f"f{i}"], np.float32), np.nan)
            if name.startswith("count"):
                values_RF[np.isnan(values_RF[:, i]), i] = 0
        place = f"{self._prefix}{self._child.name}.{self._link.child_column}"
        return Features(names=tuple(f"{place}: {name}" for name in expressions), values_RF=values_RF, categorical=())

    def _joined(self, anchors: str) -> str:
        """Anchors joined with the child's rows up to the cut-off, their other parents and their popularity."""
        child, time = self._child, self._child.time_column
        past = f" AND r.{quote(time)} <= a.cutoff" if time is not None else self._parents_are_past()
        sql = f"{anchors} JOIN main.{quote(child.name)} AS r ON r.{quote(self._link.child_column)} = a.k{past}"
        for position, other in enumerate(self._others):
            parent = self._graph.table(other.parent_table)
            assert parent.primary_key is not None, "a link leads to a primary key"
            key, parent_key = f"r.{quote(other.child_column)}", f"p{position}.{quote(parent.primary_key)}"
            sql += f" LEFT JOIN main.{quote(parent.name)} AS p{position} ON {parent_key} = {key}"
            if parent.time_column is not None:
                sql += f" AND p{position}.{quote(parent.time_column)} <= a.cutoff"
            if self._has_popularity:
                sql += f" LEFT JOIN w{position} ON w{position}.k = {key} AND w{position}.cutoff = a.cutoff"
        return sql

    def _parents_are_past(self) -> str:
        """A row without a time of its own exists from the latest time of its parents on."""
        conditions = []
        for link in timed_parents(self._graph, self._child.name):
            parent = self._graph.table(link.parent_table)
            conditions.append(
                f" AND NOT EXISTS (SELECT 1 FROM main.{quote(parent.name)} AS q WHERE "
                f"q.{quote(parent.primary_key or '')} = r.{quote(link.child_column)} "
                f"AND (q.{quote(parent.time_column or '')} <= a.cutoff) IS NOT TRUE)"
            )
        return "".join(conditions)

    def _popularity_ctes(self) -> str:
        """How often each of the child's other parents occurred in the last horizon, and in the last three."""
        if not self._has_popularity:
            return ""
        time = f"r.{quote(self._child.time_column or '')}"
        ctes = ["c AS (SELECT DISTINCT cutoff FROM anchors)"]
        for position, other in enumerate(self._others):
            ctes.append(
                f"w{position} AS (SELECT r.{quote(other.child_column)} AS k, c.cutoff AS cutoff, count(*) AS wide, "
                f"count(*) FILTER (WHERE {time} > c.cutoff - {_interval(self._horizon_ns)}) AS narrow "
                f"FROM main.{quote(self._child.name)} AS r JOIN c ON {time} <= c.cutoff "
                f"AND {time} > c.cutoff - {_interval(3 * self._horizon_ns)} GROUP BY 1, 2)"
            )
        return ", ".join(ctes) + ","

    def _columns(self) -> Iterator[_Column]:
        yield from self._columns_of(self._child, "r", is_own=True)
        for position, other in enumerate(self._others):
            yield from self._columns_of(self._graph.table(other.parent_table), f"p{position}", is_own=False)

    def _columns_of(self, table: Table, alias: str, *, is_own: bool) -> Iterator[_Column]:
        for column in self._graph.feature_columns(table.name):
            if (table.name, column.name) not in self._hidden:
                sql = f"{alias}.{quote(column.name)}"
                yield _Column(f"{table.name}.{column.name}", sql, column.semantic_type, is_own)

    def _windows(self) -> list[tuple[str, str]]:
        """(name, FILTER clause)."""
        time = self._child.time_column
        if time is None:
            return [("ever", "")]
        spans = [self._horizon_ns // 4, self._horizon_ns, 3 * self._horizon_ns]
        named = [
            (f"{ns / DAY_NS:g} days", f" FILTER (WHERE r.{quote(time)} > a.cutoff - {_interval(ns)})") for ns in spans
        ]
        return [*named, ("ever", "")]

    def _expressions(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
        """(name, SQL) of every aggregate."""
        windows = self._windows()
        columns = list(self._columns())
        for name, only in windows:
            yield f"count, {name}", f"count(*){only}"
            for asked, condition in self._asked:
                yield f"count, {asked}, {name}", f"count(CASE WHEN {condition} THEN 1 END){only}"
        yield from self._recency()
        for column in columns:
            if column.meaning is SemanticType.NUMERICAL:
                yield from _number_expressions(column, windows)
        for name, sql in self._distinct(columns):
            for window, only in windows[-2:]:
                yield f"count of different {name}, {window}", f"count(DISTINCT {sql}){only}"
        for column in columns:
            if column.meaning is SemanticType.CATEGORICAL:
                for value in self._top(cursor, column):
                    for window, only in windows[-2:]:
                        same = f"avg(({column.sql} = {literal(value)})::INT){only}"
                        yield f"share of {column.name} = {value}, {window}", same
        if self._has_popularity:
            yield from self._popularity(windows)

    def _asked_conditions(self, bound: BoundQuery) -> list[tuple[str, str]]:
        """(text, SQL) of the conditions under which the query counts rows of this link: what it asks about matters."""

        def leaf(comparison: Comparison) -> str:
            ref = comparison.operand
            assert isinstance(ref, ColumnRef), "the binder lets no aggregate into an aggregate"
            kind = Names.kind(self._child.column(ref.column))
            return comparison_sql(comparison, f"r.{quote(ref.column)}", kind)

        found: dict[str, str] = {}
        for aggregate in aggregates(bound.target):
            own = all(isinstance(c.operand, ColumnRef) and not c.operand.via for c in comparisons(aggregate.where))
            is_here = (aggregate.column.table, aggregate.link_column) == (self._child.name, self._link.child_column)
            if aggregate.where is not None and own and is_here:
                found.setdefault(condition_sql(aggregate.where, leaf), f"condition {len(found) + 1}")
        return [(name, sql) for sql, name in found.items()]

    def _recency(self) -> Iterator[tuple[str, str]]:
        """Days since the last and the first row, days with a row, and the mean gap between such days."""
        if self._child.time_column is None:
            return
        time = f"r.{quote(self._child.time_column)}"
        age = f"(epoch(a.cutoff) - epoch({time})) / 86400"
        yield "days since last", f"min({age})"
        yield "days since first", f"max({age})"
        yield "count of days", f"count(DISTINCT {time}::DATE)"
        yield "mean gap, days", f"(max({age}) - min({age})) / greatest(count(DISTINCT {time}::DATE) - 1, 1)"
        for name, condition in self._asked:
            met = f"FILTER (WHERE {condition})"
            yield f"days since last, {name}", f"min({age}) {met}"
            yield f"count of days, {name}", f"count(DISTINCT {time}::DATE) {met}"

    def _distinct(self, columns: list[_Column]) -> Iterator[tuple[str, str]]:
        """Links, other ids and categories of the child, and categories of its other parents."""
        taken = {self._child.primary_key, self._link.child_column}
        linked = {other.child_column for other in self._others}
        for column in self._child.columns:
            is_key = column.semantic_type is SemanticType.ID or column.name in linked
            if is_key and column.name not in taken and (self._child.name, column.name) not in self._hidden:
                yield column.name, f"r.{quote(column.name)}"
        for seen in columns:
            if seen.meaning is SemanticType.CATEGORICAL:
                yield seen.name, seen.sql

    def _top(self, cursor: duckdb.DuckDBPyConnection, column: _Column) -> list[str]:
        """The most frequent categories among the child's rows of training time, as text."""
        now = f"(SELECT make_timestamp({self._last_training_us}) AS cutoff) AS a"
        sql = f"{now} JOIN main.{quote(self._child.name)} AS r ON true"
        if self._child.time_column is not None:
            sql = f"{now} JOIN main.{quote(self._child.name)} AS r ON r.{quote(self._child.time_column)} <= a.cutoff"
        for position, other in enumerate(self._others):
            if column.sql.startswith(f"p{position}."):
                parent = self._graph.table(other.parent_table)
                parent_key = f"p{position}.{quote(parent.primary_key or '')}"
                sql += f" JOIN main.{quote(parent.name)} AS p{position} ON {parent_key} = r.{quote(other.child_column)}"
        found = cursor.execute(
            f"SELECT CAST({column.sql} AS VARCHAR) AS value FROM {sql} WHERE {column.sql} IS NOT NULL "
            f"GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {TOP_CATEGORIES}"
        ).fetchall()
        return [str(row[0]) for row in found]

    def _popularity(self, windows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """How much in demand what the entity lately touched is at the cut-off, among everybody."""
        time = f"r.{quote(self._child.time_column or '')}"
        for position, other in enumerate(self._others):
            level = f"ln(1 + coalesce(w{position}.narrow, 0))"
            trend = f"coalesce(w{position}.narrow, 0) / w{position}.wide"
            for window, only in windows[-2:]:
                yield f"mean popularity of {other.child_column}, {window}", f"avg({level}){only}"
                yield f"mean trend of {other.child_column}, {window}", f"avg({trend}){only}"
            yield f"popularity of the last {other.child_column}", f"arg_max({level}, {time})"
            yield f"trend of the last {other.child_column}", f"arg_max({trend}, {time})"


def _number_expressions(column: _Column, windows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """All statistics of the child's own numbers in all windows; of its parents' the mean in the wide ones."""
    value = f"CAST({column.sql} AS DOUBLE)"
    for window, only in windows if column.is_own else windows[-2:]:
        for word in _STATISTICS if column.is_own else ("mean",):
            yield f"{word} of {column.name}, {window}", f"{_STATISTICS[word]}({value}){only}"


def _interval(duration_ns: int) -> str:
    return f"INTERVAL ({duration_ns // 1000}) MICROSECOND"
