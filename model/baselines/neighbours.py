# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Two hops: what the entity's rows point at is described by its own rows up to the cut-off, and averaged.

A team's matches name opponents: how often have those won lately? A customer's purchases name articles: do they sell?
One statement for each (rows of the entity, what they point at, rows of that).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.baselines.feature_table import Features, join_features
from model.graph import Graph, Link, SemanticType
from model.labels.training_table import TrainingTable
from model.progress import Progress, silent
from model.query.bound import DAY_NS, BoundQuery
from model.query.conditions import comparison_sql, condition_sql
from model.query.names import Names
from model.query.syntax import ColumnRef, Comparison, aggregates, comparisons
from model.tables.database import Database
from model.tables.sql_text import quote

_WIDE = 3
"""Horizons of the wide window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """entity <- child -> other <- grandchild."""

    near: Link
    """From the child to the entity."""
    via: Link
    """From the child to the other table."""
    far: Link
    """From the grandchild to the other table."""

    def __str__(self) -> str:
        child, grandchild = self.near.child_table, self.far.child_table
        return f"{child}.{self.near.child_column}->{self.via.child_column}<-{grandchild}.{self.far.child_column}"


def neighbour_paths(graph: Graph, entity_table: str) -> tuple[Path, ...]:
    """Every way of that form."""
    return tuple(
        Path(near=near, via=via, far=far)
        for near in graph.children(entity_table)
        for via in graph.parents(near.child_table)
        if via != near
        for far in graph.children(via.parent_table)
    )


def neighbour_features(
    database: Database,
    table: TrainingTable,
    bound: BoundQuery,
    progress: Progress = silent,
    rows: npt.NDArray[np.int64] | None = None,
) -> Features:
    """Averages over the entity's rows of aggregates of what they point at; nothing lies after a row's cut-off.

    Args are those of `link_features`.
    """
    described = np.arange(len(table)) if rows is None else rows
    paths = neighbour_paths(database.graph, bound.entity_table)
    parts = [Features(names=(), values_RF=np.empty((len(table), 0), np.float32), categorical=())]
    with database.connection.cursor() as cursor:
        keys, cutoff_us = pa.array(table.entity[described]), table.cutoff_ns[described] // 1000
        cursor.register("neighbour_rows", pa.table({"row": described, "k": keys, "cutoff_us": cutoff_us}))
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE neighbour_anchors AS "
            "SELECT row, k, make_timestamp(cutoff_us) AS cutoff FROM neighbour_rows"
        )
        cursor.unregister("neighbour_rows")
        for position, path in enumerate(paths):
            parts.append(_features(cursor, database.graph, path, bound, len(table)))
            progress(position + 1, len(paths))
    return join_features(parts)


def _features(
    cursor: duckdb.DuckDBPyConnection, graph: Graph, path: Path, bound: BoundQuery, num_rows: int
) -> Features:
    facts = dict(_facts(graph, path, bound))
    averages = dict(_averages(graph, path, bound, tuple(facts)))
    selected = ", ".join(f"{sql} AS s{i}" for i, sql in enumerate(facts.values()))
    averaged = ", ".join(f"CAST({sql} AS FLOAT) AS f{i}" for i, sql in enumerate(averages.values()))
    child, grandchild = graph.table(path.near.child_table), graph.table(path.far.child_table)
    joined = f"neighbour_anchors AS a JOIN main.{quote(child.name)} AS r ON r.{quote(path.near.child_column)} = a.k"
    if child.time_column is not None:
        joined += f" AND r.{quote(child.time_column)} <= a.cutoff"
    past = "" if grandchild.time_column is None else f" AND d.{quote(grandchild.time_column)} <= p.cutoff"
    via = f"r.{quote(path.via.child_column)}"
    found = cursor.execute(
        f"WITH p AS (SELECT DISTINCT {via} AS k, a.cutoff FROM {joined} WHERE {via} IS NOT NULL), "
        f"s AS (SELECT p.k, p.cutoff, {selected} FROM p JOIN main.{quote(grandchild.name)} AS d "
        f"ON d.{quote(path.far.child_column)} = p.k{past} GROUP BY p.k, p.cutoff) "
        f"SELECT a.row, {averaged} FROM {joined} LEFT JOIN s ON s.k = {via} AND s.cutoff = a.cutoff GROUP BY a.row"
    ).fetchnumpy()
    values_RF = np.full((num_rows, len(averages)), np.nan, np.float32)
    rows = np.asarray(found["row"], np.int64)
    for i in range(len(averages)):
        values_RF[rows, i] = np.ma.filled(np.ma.asarray(found[f"f{i}"], np.float32), np.nan)
    return Features(names=tuple(f"{path}: {name}" for name in averages), values_RF=values_RF, categorical=())


def _facts(graph: Graph, path: Path, bound: BoundQuery) -> Iterator[tuple[str, str]]:
    """(name, SQL over grandchildren `d` of one (key, cut-off) `p`)."""
    grandchild = graph.table(path.far.child_table)
    hidden = set(bound.hidden_columns)
    windows = _windows(bound, f"d.{quote(grandchild.time_column)}" if grandchild.time_column else None, "p.cutoff")
    for name, only in windows:
        yield f"log count, {name}", f"ln(1 + count(*){only})"
    for name, condition in _asked(graph, path, bound):
        for window, only in windows[-2:]:
            yield f"share of {name}, {window}", f"avg(CAST({condition} AS INT)){only}"
    for column in graph.feature_columns(grandchild.name):
        if column.semantic_type is SemanticType.NUMERICAL and (grandchild.name, column.name) not in hidden:
            for name, only in windows[-2:]:
                yield f"mean {column.name}, {name}", f"avg(CAST(d.{quote(column.name)} AS DOUBLE)){only}"


def _asked(graph: Graph, path: Path, bound: BoundQuery) -> Iterator[tuple[str, str]]:
    """(name, SQL) of the conditions under which the query counts rows of the grandchild's table."""
    grandchild = graph.table(path.far.child_table)

    def leaf(comparison: Comparison) -> str:
        ref = comparison.operand
        assert isinstance(ref, ColumnRef), "the binder lets no aggregate into an aggregate"
        return comparison_sql(comparison, f"d.{quote(ref.column)}", Names.kind(grandchild.column(ref.column)))

    for number, aggregate in enumerate(aggregates(bound.target), start=1):
        if aggregate.where is None or aggregate.column.table != grandchild.name:
            continue
        if all(isinstance(c.operand, ColumnRef) and not c.operand.via for c in comparisons(aggregate.where)):
            yield f"condition {number}", condition_sql(aggregate.where, leaf)


def _averages(graph: Graph, path: Path, bound: BoundQuery, facts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(name, SQL over the entity's rows `r` with the facts `s` of what they point at)."""
    time = graph.table(path.near.child_table).time_column
    windows = _windows(bound, f"r.{quote(time)}" if time else None, "a.cutoff")
    for position, fact in enumerate(facts):
        for name, only in windows[-2:]:
            yield f"mean over {name} of {fact}", f"avg(s.s{position}){only}"
        if time is not None:
            yield f"last {fact}", f"arg_max(s.s{position}, r.{quote(time)})"


def _windows(bound: BoundQuery, time: str | None, cutoff: str) -> list[tuple[str, str]]:
    """(name, FILTER clause): the horizon, the wide window, ever."""
    if time is None:
        return [("ever", "")]
    spans = (bound.horizon_ns or 7 * DAY_NS, _WIDE * (bound.horizon_ns or 7 * DAY_NS))
    named = [
        (f"{ns / DAY_NS:g} days", f" FILTER (WHERE {time} > {cutoff} - INTERVAL ({ns // 1000}) MICROSECOND)")
        for ns in spans
    ]
    return [*named, ("ever", "")]
