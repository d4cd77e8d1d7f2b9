# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""A bound query becomes one DuckDB statement: rows of (entity, cutoff_ns, label) for any number of cut-offs.

    WITH cutoffs AS (...), a0 AS (aggregate by key and cut-off), ...
    SELECT e.key, cutoff, label FROM entity AS e JOIN cutoffs LEFT JOIN a0 ... WHERE filter AND assuming

Windows are `(t + start, t + end]`. A comparison with null is false; a target whose value is null has no row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model.graph import Graph
from model.query.bound import BoundQuery, counts_rows
from model.query.conditions import comparison_sql, condition_sql
from model.query.names import Names
from model.query.syntax import (
    Aggregate,
    ColumnRef,
    Comparison,
    Condition,
    Junction,
    Operand,
    Window,
    comparisons,
)
from model.tables.sql_text import quote


def label_sql(bound: BoundQuery, graph: Graph, cutoffs_ns: Sequence[int]) -> str:
    """SQL for (entity, cutoff_ns, label), sorted by cut-off then entity.

    Args:
        bound: the query.
        graph: the graph that it was bound to.
        cutoffs_ns: the cut-offs. A static target has those of its rows; the only value given here then stands for
            the cut-off of tables without a time.
    """
    plan = _Plan(bound, graph, cutoffs_ns)
    label = plan.label(bound.target)
    conditions = [*plan.exists_at_cutoff(), *plan.has_label(bound.target)]
    conditions += [plan.condition(c) for c in (bound.entity_filter, bound.assuming) if c is not None]
    return plan.statement([f"{label} AS label"], conditions)


def entity_sql(bound: BoundQuery, graph: Graph, cutoff_ns: int) -> str:
    """SQL for (entity, cutoff_ns): the entities that exist at the cut-off and pass the filter."""
    plan = _Plan(bound, graph, [cutoff_ns], fixed_cutoff=True)
    conditions = plan.exists_at_cutoff()
    if bound.entity_filter is not None:
        conditions.append(plan.condition(bound.entity_filter))
    return plan.statement([], conditions)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sum:
    """One aggregate, computed for all keys and cut-offs at once."""

    name: str
    sql: str
    has_cutoff: bool


class _Plan:
    """Collects the aggregates that a statement needs while its conditions are written."""

    def __init__(
        self, bound: BoundQuery, graph: Graph, cutoffs_ns: Sequence[int], *, fixed_cutoff: bool = False
    ) -> None:
        self._bound = bound
        self._graph = graph
        self._names = Names(bound.text, graph)
        self._own_time = bound.is_static and not fixed_cutoff
        self._cutoffs = _cutoffs_sql(cutoffs_ns)
        self._sums: dict[Aggregate, _Sum] = {}
        self._parents: dict[str, str] = {}

    def label(self, target: Operand | Condition) -> str:
        """The label as an expression: 0 or 1 for a condition, else the value."""
        if isinstance(target, Aggregate | ColumnRef):
            return self._operand(target)
        return f"CAST({self.condition(target)} AS INTEGER)"

    def has_label(self, target: Operand | Condition) -> list[str]:
        """Conditions under which a row has a label: unknown is not zero."""
        if isinstance(target, Aggregate | ColumnRef):
            operands: list[Operand] = [target]
        else:
            operands = [c.operand for c in comparisons(target) if not c.operator.startswith("IS ")]
        unknown = [o for o in operands if isinstance(o, ColumnRef) or not counts_rows(o)]
        return [f"{self._operand(operand)} IS NOT NULL" for operand in unknown]

    def exists_at_cutoff(self) -> list[str]:
        """An entity exists from its own time on."""
        conditions = [f"e.{quote(self._bound.entity_key)} IS NOT NULL"]
        if self._bound.time_column is not None:
            conditions.append(f"e.{quote(self._bound.time_column)} <= cutoffs.cutoff")
        return conditions

    def condition(self, condition: Condition) -> str:
        """A condition on the entity at the cut-off."""
        return condition_sql(condition, self._comparison)

    def statement(self, selected: list[str], conditions: list[str]) -> str:
        """The whole statement."""
        bound = self._bound
        key = f"e.{quote(bound.entity_key)}"
        parts = [f"cutoffs AS ({self._cutoffs_of_entities()})"]
        parts += [f"{s.name} AS ({s.sql})" for s in self._sums.values()]
        joins = [self._first_join(key)]
        for total in self._sums.values():
            same_cutoff = f" AND {total.name}.cutoff = cutoffs.cutoff" if total.has_cutoff else ""
            joins.append(f"LEFT JOIN {total.name} ON {total.name}.k = {key}{same_cutoff}")
        joins += [self._parents[name] for name in self._parents]
        columns_sql = ", ".join([f"{key} AS entity", "epoch_ns(cutoffs.cutoff) AS cutoff_ns", *selected])
        return (
            f"WITH {', '.join(parts)}\nSELECT {columns_sql}\nFROM {quote(bound.entity_table)} AS e\n"
            + "\n".join(joins)
            + f"\nWHERE {' AND '.join(conditions)}\nORDER BY cutoff_ns, entity"
        )

    def _cutoffs_of_entities(self) -> str:
        """All cut-offs; for static targets one per entity, its own time; else those where a needed row is."""
        bound = self._bound
        if self._own_time and bound.time_column is not None:
            time = quote(bound.time_column)
            return f"SELECT {quote(bound.entity_key)} AS k, {time} AS cutoff FROM {quote(bound.entity_table)}"
        return self._cutoffs

    def _first_join(self, key: str) -> str:
        """Entities meet cut-offs: by their own time, through an aggregate that must have rows, or all with all."""
        bound = self._bound
        if self._own_time and bound.time_column is not None:
            return f"JOIN cutoffs ON cutoffs.k = {key}"
        needed = [*_needed(bound.entity_filter), *_needed(bound.assuming)]
        for aggregate in needed:
            total = self._sums.get(aggregate)
            if total is not None and total.has_cutoff:
                return f"JOIN (SELECT k, cutoff FROM {total.name}) AS cutoffs ON cutoffs.k = {key}"
        return "CROSS JOIN cutoffs"

    def _comparison(self, comparison: Comparison) -> str:
        return self._compare(comparison, self._operand(comparison.operand))

    def _compare(self, comparison: Comparison, value: str) -> str:
        operand = comparison.operand
        column = operand.column if isinstance(operand, Aggregate) else operand
        is_count = isinstance(operand, Aggregate) and counts_rows(operand)
        kind = (
            "number"
            if is_count or column.column == "*"
            else self._names.kind(self._graph.table(column.table).column(column.column))
        )
        return comparison_sql(comparison, value, kind)

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, ColumnRef):
            return self._entity_column(operand)
        if operand not in self._sums:
            self._sums[operand] = self._sum(operand, f"a{len(self._sums)}")
        name = self._sums[operand].name
        return f"coalesce({name}.value, 0)" if counts_rows(operand) else f"{name}.value"

    def _entity_column(self, ref: ColumnRef) -> str:
        if not ref.via:
            return f"e.{quote(ref.column)}"
        alias, join = self._parent_join("e", ref)
        self._parents[alias] = join
        return f"{alias}.{quote(ref.column)}"

    def _parent_join(self, child: str, ref: ColumnRef) -> tuple[str, str]:
        """(alias, LEFT JOIN) for the parent that `ref.via` leads to."""
        key = self._graph.table(ref.table).primary_key
        assert key is not None, "a link leads to a primary key"
        alias = quote(f"{child}:{ref.via}")
        return alias, f"LEFT JOIN {quote(ref.table)} AS {alias} ON {alias}.{quote(key)} = {child}.{quote(ref.via)}"

    def _sum(self, aggregate: Aggregate, name: str) -> _Sum:
        table = self._graph.table(aggregate.column.table)
        link, joins, conditions = (
            f"r.{quote(aggregate.link_column)}",
            [],
            [f"r.{quote(aggregate.link_column)} IS NOT NULL"],
        )
        if aggregate.where is not None:
            conditions.append(condition_sql(aggregate.where, self._row_comparison))
            for ref in [leaf.operand for leaf in comparisons(aggregate.where)]:
                if isinstance(ref, ColumnRef) and ref.via:
                    joins.append(self._parent_join("r", ref)[1])
        value = self._aggregate_sql(aggregate)
        source = f"FROM {quote(table.name)} AS r {' '.join(dict.fromkeys(joins))}"
        where = " AND ".join(conditions)
        if aggregate.window is None:
            sql = f"SELECT {link} AS k, {value} AS value {source} WHERE {where} GROUP BY 1"
            return _Sum(name=name, sql=sql, has_cutoff=False)
        assert table.time_column is not None, "the binder lets no window onto a table without time"
        within = _window_sql(aggregate.window, f"r.{quote(table.time_column)}")
        if self._own_time and self._bound.time_column is not None:
            within += f" AND cutoffs.k = {link}"
        sql = (
            f"SELECT {link} AS k, cutoffs.cutoff AS cutoff, {value} AS value {source} JOIN cutoffs ON {within} "
            f"WHERE {where} GROUP BY 1, 2"
        )
        return _Sum(name=name, sql=sql, has_cutoff=True)

    def _row_comparison(self, comparison: Comparison) -> str:
        ref = comparison.operand
        assert isinstance(ref, ColumnRef), "the binder lets no aggregate into an aggregate"
        alias = quote(f"r:{ref.via}") if ref.via else "r"
        return self._compare(comparison, f"{alias}.{quote(ref.column)}")

    def _aggregate_sql(self, aggregate: Aggregate) -> str:
        """The aggregate over rows `r`; ties in time go by primary key, or by value where there is none."""
        function, ref = aggregate.function, aggregate.column
        if ref.column == "*":
            return "count(*)"
        column = f"r.{quote(ref.column)}"
        table = self._graph.table(ref.table)
        if function in ("COUNT", "COUNT_DISTINCT"):
            return f"count({'DISTINCT ' if function == 'COUNT_DISTINCT' else ''}{column})"
        storage = table.column(ref.column).storage_type
        if storage == "BOOLEAN" and function in ("SUM", "AVG"):
            column = f"CAST({column} AS INTEGER)"
        if function in ("FIRST", "LAST"):
            assert table.time_column is not None, "the binder wants a window"
            tie = quote(table.primary_key or ref.column)
            order = f"ORDER BY r.{quote(table.time_column)}, r.{tie}"
            return f"{function.lower()}({column} {order}) FILTER (WHERE {column} IS NOT NULL)"
        # Compensated sums: the order of rows, which threads change, must not change a label.
        is_float = storage in ("FLOAT", "DOUBLE")
        names = {"SUM": "fsum" if is_float else "sum", "AVG": "favg" if is_float else "avg"}
        return f"{names.get(function, function.lower())}({column})"


def _cutoffs_sql(cutoffs_ns: Iterable[int]) -> str:
    microseconds = ", ".join(str(cutoff // 1000) for cutoff in sorted(set(cutoffs_ns)))
    return f"SELECT make_timestamp(unnest([{microseconds}]::BIGINT[])) AS cutoff"


def _window_sql(window: Window, time: str) -> str:
    end = f"{time} <= cutoffs.cutoff + INTERVAL ({window.end}) {window.unit.upper()}"
    if window.start is None:
        return end
    return f"{time} > cutoffs.cutoff + INTERVAL ({window.start}) {window.unit.upper()} AND {end}"


def _needed(condition: Condition | None) -> tuple[Aggregate, ...]:
    """Aggregates without whose rows the condition cannot be true."""
    if isinstance(condition, Junction) and condition.word == "AND":
        return tuple(a for part in condition.conditions for a in _needed(part))
    if isinstance(condition, Comparison) and isinstance(condition.operand, Aggregate):
        return (condition.operand,) if not _true_when_empty(condition) else ()
    return ()


def _true_when_empty(comparison: Comparison) -> bool:
    """Whether the comparison may hold for an empty window; True when in doubt."""
    assert isinstance(comparison.operand, Aggregate)
    if comparison.operator.startswith("IS "):
        return True
    if not counts_rows(comparison.operand):
        return False
    value = comparison.value
    if isinstance(value, int | float):
        return {
            "=": value == 0,
            "!=": value != 0,
            ">": value < 0,
            ">=": value <= 0,
            "<": value > 0,
            "<=": value >= 0,
        }.get(comparison.operator, True)
    return True
