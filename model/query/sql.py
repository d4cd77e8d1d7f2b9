# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""A bound query becomes one DuckDB statement: rows of (entity, cutoff_ns, label) for any number of cut-offs.

    WITH cutoffs AS (...), a0 AS (aggregate by key and cut-off), ...
    SELECT e.key, c.cutoff_ns, label FROM entity AS e JOIN a0 ... JOIN cutoffs AS c ... LEFT JOIN a1 ... WHERE ...

Windows are `(t + start, t + end]`. A comparison with null is false; a target whose value is null has no row.
`model/query/dialects.py` writes the same statement for other databases.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from model.graph import Graph
from model.query.aggregate_sql import AggregateSql, Cutoffs
from model.query.bound import BoundQuery, counts_rows
from model.query.conditions import condition_sql, operand_comparison_sql, time_sql
from model.query.names import Names
from model.query.needed import needed
from model.query.share import may_share
from model.query.syntax import Aggregate, ColumnRef, Comparison, Condition, Operand, comparisons
from model.tables.sql_text import quote

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def label_sql(bound: BoundQuery, graph: Graph, cutoffs_ns: Sequence[int]) -> str:
    """SQL for (entity, cutoff_ns, label), sorted by cut-off then entity.

    Labels are 0 or 1 (binary), DOUBLE (regression), a value (multiclass), a sorted list without repeats (multilabel,
    link), or a list of DOUBLE (forecast).

    Args:
        bound: the query.
        graph: the graph that it was bound to.
        cutoffs_ns: the cut-offs. A static target has those of its rows; the only value given here then stands for
            the cut-off of tables without a time.
    """
    plan = _Plan(bound, graph, cutoffs_ns)
    label, conditions = plan.label()
    if bound.assuming is not None:
        conditions.append(plan.condition(bound.assuming))
    return plan.statement([f"{label} AS label"], [*plan.eligible(), *conditions])


def entity_sql(bound: BoundQuery, graph: Graph, cutoff_ns: int) -> str:
    """SQL for (entity, cutoff_ns): the entities that exist at the cut-off and pass the filter."""
    plan = _Plan(bound, graph, [cutoff_ns], fixed_cutoff=True)
    return plan.statement([], plan.eligible())


class _Plan:
    """Collects the aggregates that a statement needs while its conditions are written."""

    def __init__(
        self, bound: BoundQuery, graph: Graph, cutoffs_ns: Sequence[int], *, fixed_cutoff: bool = False
    ) -> None:
        self._bound = bound
        self._graph = graph
        self._names = Names(bound.text, graph)
        self._cutoffs_ns = sorted(set(cutoffs_ns))
        self._own_time = bound.time_column if bound.is_static and not fixed_cutoff else None
        self._cutoffs = self._choose_cutoffs()
        self._writer = AggregateSql(graph, self._names, self._cutoffs)
        self._scans: list[list[Aggregate]] = []
        """Aggregates by the scan that they share; the n-th is called `a<n>`, its m-th value `v<m>`."""
        self._frames = ""
        """SQL of the table `f` of a forecast."""
        self._parents: dict[str, str] = {}

    def eligible(self) -> list[str]:
        """Conditions under which an entity has a row: it has a key, exists by then, and passes the filter."""
        bound = self._bound
        conditions = [f"e.{quote(bound.entity_key)} IS NOT NULL"]
        if self._own_time is not None:
            conditions.append(f"e.{quote(self._own_time)} IS NOT NULL")
        elif bound.time_column is not None:
            conditions.append(f"e.{quote(bound.time_column)} <= {self._moment()}")
        if bound.entity_filter is not None:
            conditions.append(self.condition(bound.entity_filter))
        return conditions

    def label(self) -> tuple[str, list[str]]:
        """The label, and the conditions under which it is known: unknown is not zero."""
        target = self._bound.target
        if self._bound.num_timeframes is not None:
            assert isinstance(target, Aggregate), "the binder lets only aggregates be forecast"
            return self._forecast(target, self._bound.num_timeframes)
        if isinstance(target, Aggregate | ColumnRef):
            value = self._operand(target)
            known = [] if isinstance(target, Aggregate) and counts_rows(target) else [f"{value} IS NOT NULL"]
            return f"CAST({value} AS DOUBLE)" if self._bound.task == "regression" else value, known
        operands = [leaf.operand for leaf in comparisons(target) if not leaf.operator.startswith("IS ")]
        unknown = [o for o in operands if isinstance(o, ColumnRef) or not counts_rows(o)]
        known = list(dict.fromkeys(f"{self._operand(operand)} IS NOT NULL" for operand in unknown))
        return f"CAST({self.condition(target)} AS INTEGER)", known

    def condition(self, condition: Condition) -> str:
        """A condition on the entity at the cut-off."""
        return condition_sql(condition, self._comparison)

    def statement(self, selected: list[str], conditions: list[str]) -> str:
        """The whole statement."""
        bound = self._bound
        parts = [f"cutoffs AS ({self._cutoffs_sql()})"] if self._cutoffs.many else []
        parts += [f"a{number} AS ({self._writer.sql(scan)})" for number, scan in enumerate(self._scans)]
        parts += [f"f AS ({self._frames})"] if self._frames else []
        columns_sql = ", ".join(
            [f"e.{quote(bound.entity_key)} AS entity", f"{self._moment_ns()} AS cutoff_ns", *selected]
        )
        return "\n".join(
            [
                *([f"WITH {', '.join(parts)}"] if parts else []),
                f"SELECT {columns_sql}",
                f"FROM {quote(bound.entity_table)} AS e",
                *self._joins(),
                f"WHERE {' AND '.join(conditions)}",
                "ORDER BY cutoff_ns, entity",
            ]
        )

    def _choose_cutoffs(self) -> Cutoffs:
        bound = self._bound
        if self._own_time is not None:
            moment = f"c.{quote(self._own_time)}"
            return Cutoffs(expression=moment, relation=quote(bound.entity_table), key=bound.entity_key)
        if len(self._cutoffs_ns) == 1:
            # A constant window lets DuckDB skip the parts of a file that lie outside.
            return Cutoffs(expression=_time_sql(self._cutoffs_ns[0]), relation="", key="")
        return Cutoffs(expression="c.cutoff", relation="cutoffs", key="")

    def _cutoffs_sql(self) -> str:
        rows = ", ".join(f"({cutoff}, {_time_sql(cutoff)})" for cutoff in self._cutoffs_ns)
        return f"SELECT * FROM (VALUES {rows}) AS given(cutoff_ns, cutoff)"

    def _moment(self) -> str:
        """The cut-off in the outer statement."""
        return f"e.{quote(self._own_time)}" if self._own_time is not None else self._cutoffs.expression

    def _moment_ns(self) -> str:
        if self._own_time is not None:
            return f"epoch_ns({self._moment()})"
        return "c.cutoff_ns" if self._cutoffs.many else f"CAST({self._cutoffs_ns[0]} AS BIGINT)"

    def _joins(self) -> list[str]:
        """Entities meet cut-offs, through an aggregate that must have rows where there is one; the rest is optional."""
        key = f"e.{quote(self._bound.entity_key)}"
        driver = self._driver()
        joins = [] if driver is None else [f"JOIN {driver} ON {driver}.k = {key}"]
        if self._cutoffs.many:
            by_driver = f"JOIN cutoffs AS c ON c.cutoff_ns = {driver}.cutoff_ns"
            joins.append("CROSS JOIN cutoffs AS c" if driver is None else by_driver)
        scans = {f"a{number}": scan[0].window is not None for number, scan in enumerate(self._scans)}
        for name, has_time in (scans | ({"f": True} if self._frames else {})).items():
            if name != driver:
                same = f" AND {name}.cutoff_ns = c.cutoff_ns" if self._cutoffs.many and has_time else ""
                joins.append(f"LEFT JOIN {name} ON {name}.k = {key}{same}")
        return [*joins, *self._parents.values()]

    def _driver(self) -> str | None:
        """The name of a scan over time without whose rows there is no row."""
        found = [a for a in needed(self._bound) if a.window is not None]
        return next((f"a{n}" for a in found for n, scan in enumerate(self._scans) if a in scan), None)

    def _comparison(self, comparison: Comparison) -> str:
        return operand_comparison_sql(comparison, self._operand(comparison.operand), self._names)

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, ColumnRef):
            return self._entity_column(operand)
        value = self._value(operand)
        return f"coalesce({value}, 0)" if counts_rows(operand) else value

    def _value(self, aggregate: Aggregate) -> str:
        """The aggregate's column, of a scan that it shares where it can."""
        for number, scan in enumerate(self._scans):
            if aggregate in scan:
                return f"a{number}.v{scan.index(aggregate)}"
        for number, scan in enumerate(self._scans):
            if may_share(scan, aggregate):
                scan.append(aggregate)
                return f"a{number}.v{len(scan) - 1}"
        self._scans.append([aggregate])
        return f"a{len(self._scans) - 1}.v0"

    def _forecast(self, target: Aggregate, num_timeframes: int) -> tuple[str, list[str]]:
        """The list of one value a timeframe; unknown where one of them is."""
        self._frames = self._writer.forecast_sql(target, num_timeframes)
        values = [f"f.v{number}" for number in range(num_timeframes)]
        known = [] if counts_rows(target) else [f"{value} IS NOT NULL" for value in values]
        filled = [f"coalesce({value}, 0)" for value in values] if counts_rows(target) else values
        return f"[{', '.join(f'CAST({value} AS DOUBLE)' for value in filled)}]", known

    def _entity_column(self, ref: ColumnRef) -> str:
        if not ref.via:
            return f"e.{quote(ref.column)}"
        alias, join = self._writer.parent_join("e", ref)
        self._parents[alias] = join
        return f"{alias}.{quote(ref.column)}"


def _time_sql(time_ns: int) -> str:
    return time_sql(_EPOCH + timedelta(microseconds=time_ns // 1000))
