# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Aggregates that share a scan become one common table expression: their values for all keys, at all cut-offs.

    SELECT r."user_id" AS k, c.cutoff_ns AS cutoff_ns, count(*) AS v0
    FROM "orders" AS r JOIN cutoffs AS c ON r."placed" > c.cutoff AND r."placed" <= c.cutoff + INTERVAL '30' DAY
    WHERE r."user_id" IS NOT NULL GROUP BY r."user_id", c.cutoff_ns

A key without rows has no row here: whoever joins reads null as an empty window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from model.graph import Graph, Table
from model.query.conditions import condition_sql, operand_comparison_sql
from model.query.names import Names
from model.query.share import end_ns, hull, start_ns
from model.query.syntax import Aggregate, ColumnRef, Comparison, Unit, Window, comparisons
from model.tables.sql_text import quote


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutoffs:
    """What windows are counted from: one constant moment, the relation `cutoffs`, or each entity's own time."""

    expression: str
    """SQL of the moment; it may speak of alias `c`."""
    relation: str
    """What to join as `c`; "" for a constant."""
    key: str
    """Column of `c` that an entity's key must equal; "" where a cut-off belongs to all entities."""

    @property
    def many(self) -> bool:
        """Whether values differ by cut-off, beside by key."""
        return bool(self.relation) and not self.key


class AggregateSql:
    """Writes the table expressions of one statement's aggregates."""

    def __init__(self, graph: Graph, names: Names, cutoffs: Cutoffs) -> None:
        self._graph = graph
        self._names = names
        self._cutoffs = cutoffs

    def sql(self, shared: Sequence[Aggregate]) -> str:
        """(k, [cutoff_ns,] v0, v1, ...); the cut-off is there where the table has a time and cut-offs are many."""
        windows = [aggregate.window for aggregate in shared if aggregate.window is not None]
        if not windows:
            return self._grouped(shared, {}, "", "")
        scanned = hull(windows)
        keys = {"cutoff_ns": "c.cutoff_ns"} if self._cutoffs.many else {}
        within = " AND ".join(self._bounds(scanned, self._time(shared[0])))
        return self._grouped(shared, keys, within, self._joined(shared[0]), scanned)

    def forecast_sql(self, aggregate: Aggregate, num_timeframes: int) -> str:
        """(k, [cutoff_ns,] v0, v1, ...): one value for each of so many windows in a row; null for an empty one."""
        window = aggregate.window
        assert window is not None, "the binder wants a window"
        frames = " UNION ALL ".join(self._frame(window, number) for number in range(num_timeframes))
        keys = {"frame": "c.frame"} | ({"cutoff_ns": "c.cutoff_ns"} if self._cutoffs.many else {})
        time = self._time(aggregate)
        within = f"{time} > c.starts AND {time} <= c.ends"
        values = self._grouped([aggregate], keys, within, f"JOIN ({frames}) AS c ON")
        by = "k, cutoff_ns" if self._cutoffs.many else "k"
        picked = ", ".join(f"max(CASE WHEN frame = {n} THEN v0 END) AS v{n}" for n in range(num_timeframes))
        return f"SELECT {by}, {picked} FROM ({values}) AS framed GROUP BY {by}"

    def parent_join(self, child: str, ref: ColumnRef) -> tuple[str, str]:
        """(alias, LEFT JOIN) for the parent that `ref.via` leads to."""
        key = self._graph.table(ref.table).primary_key
        assert key is not None, "a link leads to a primary key"
        alias = quote(f"{child}:{ref.via}")
        return alias, f"LEFT JOIN {quote(ref.table)} AS {alias} ON {alias}.{quote(key)} = {child}.{quote(ref.via)}"

    def _frame(self, window: Window, number: int) -> str:
        assert window.start is not None, "the binder lets no target start at -INF"
        shift = number * (window.end - window.start)
        starts = _moved(self._cutoffs.expression, window.start + shift, window.unit)
        ends = _moved(self._cutoffs.expression, window.end + shift, window.unit)
        cutoff_ns = "c.cutoff_ns, " if self._cutoffs.many else ""
        source = f" FROM {self._cutoffs.relation} AS c" if self._cutoffs.relation else ""
        return f"SELECT {cutoff_ns}{number} AS frame, {starts} AS starts, {ends} AS ends{source}"

    def _grouped(
        self, shared: Sequence[Aggregate], keys: dict[str, str], within: str, joined: str, scanned: Window | None = None
    ) -> str:
        """Rows `r`, joined with cut-offs `c` (or filtered by a constant window), grouped by key and `keys`.

        What holds for one aggregate alone is a condition on its rows where the scan is its own, else a CASE.
        """
        first = shared[0]
        link = f"r.{quote(first.link_column)}"
        own = [[*self._own_bounds(aggregate, scanned), *self._row_conditions(aggregate)] for aggregate in shared]
        conditions = [f"{link} IS NOT NULL", *(own[0] if len(shared) == 1 else [])]
        parents = dict.fromkeys(join for aggregate in shared for join in self._parents(aggregate))
        source = " ".join([f"FROM {quote(first.column.table)} AS r", *parents])
        if joined:
            source += f" {joined} {within}"
        elif within:
            conditions.append(within)
        source += f" WHERE {' AND '.join(conditions)}"
        groups = [link, *keys.values()]
        named = ", ".join(f"{sql} AS {name}" for name, sql in {"k": link, **keys}.items())
        if first.function not in ("FIRST", "LAST"):
            cases = [""] if len(shared) == 1 else [" AND ".join(each) for each in own]
            values = [self._value(*each) for each in zip(shared, cases, strict=True)]
            selected = ", ".join([named, *(f"{value} AS v{number}" for number, value in enumerate(values))])
            return f"SELECT {selected} {source} GROUP BY {', '.join(groups)}"
        place = f"row_number() OVER (PARTITION BY {', '.join(groups)} ORDER BY {self._order(first)})"
        ordered = f"SELECT {named}, r.{quote(first.column.column)} AS v0, {place} AS place {source}"
        return f"SELECT {', '.join(['k', *keys, 'v0'])} FROM ({ordered}) AS ordered WHERE place = 1"

    def _bounds(self, window: Window, time: str) -> list[str]:
        moment = self._cutoffs.expression
        conditions = [] if window.start is None else [f"{time} > {_moved(moment, window.start, window.unit)}"]
        return [*conditions, f"{time} <= {_moved(moment, window.end, window.unit)}"]

    def _own_bounds(self, aggregate: Aggregate, scanned: Window | None) -> list[str]:
        """Bounds of the aggregate's window that the scan's own do not imply."""
        window = aggregate.window
        if window is None or scanned is None:
            return []
        bounds = self._bounds(window, self._time(aggregate))
        same_start, same_end = start_ns(window) == start_ns(scanned), end_ns(window) == end_ns(scanned)
        return [*(bounds[:-1] if not same_start else []), *(bounds[-1:] if not same_end else [])]

    def _joined(self, aggregate: Aggregate) -> str:
        """The join of the cut-offs, up to the condition on time that follows; "" where the cut-off is a constant."""
        if not self._cutoffs.relation:
            return ""
        same = f"c.{quote(self._cutoffs.key)} = r.{quote(aggregate.link_column)} AND" if self._cutoffs.key else ""
        return f"JOIN {self._cutoffs.relation} AS c ON {same}".rstrip()

    def _row_conditions(self, aggregate: Aggregate) -> list[str]:
        conditions = []
        ref = aggregate.column
        if aggregate.where is not None:
            conditions.append(condition_sql(aggregate.where, self._row_comparison))
        if aggregate.function in ("FIRST", "LAST", "LIST_DISTINCT"):
            conditions.append(f"r.{quote(ref.column)} IS NOT NULL")
        if aggregate.function == "LIST_DISTINCT":
            parents = [link for link in self._graph.parents(ref.table) if link.child_column == ref.column]
            for parent in (self._graph.table(link.parent_table) for link in parents):
                key = quote(parent.primary_key or "")
                conditions.append(f"r.{quote(ref.column)} IN (SELECT {key} FROM {quote(parent.name)})")
        return conditions

    def _parents(self, aggregate: Aggregate) -> list[str]:
        refs = [leaf.operand for leaf in comparisons(aggregate.where)]
        joins = [self.parent_join("r", ref)[1] for ref in refs if isinstance(ref, ColumnRef) and ref.via]
        return list(dict.fromkeys(joins))

    def _row_comparison(self, comparison: Comparison) -> str:
        ref = comparison.operand
        assert isinstance(ref, ColumnRef), "the binder lets no aggregate into an aggregate"
        alias = quote(f"r:{ref.via}") if ref.via else "r"
        return operand_comparison_sql(comparison, f"{alias}.{quote(ref.column)}", self._names)

    def _time(self, aggregate: Aggregate) -> str:
        time = self._table(aggregate).time_column
        assert time is not None, "the binder lets no window onto a table without time"
        return f"r.{quote(time)}"

    def _table(self, aggregate: Aggregate) -> Table:
        return self._graph.table(aggregate.column.table)

    def _order(self, aggregate: Aggregate) -> str:
        """Ties in time go by primary key, then by value; a row without a key loses against one with a key."""
        table = self._table(aggregate)
        assert table.time_column is not None, "the binder lets no FIRST onto a table without time"
        names = [table.time_column, *([table.primary_key] if table.primary_key else []), aggregate.column.column]
        down = " DESC" if aggregate.function == "LAST" else ""
        return ", ".join(f"r.{quote(name)}{down} NULLS LAST" for name in dict.fromkeys(names))

    def _value(self, aggregate: Aggregate, case: str) -> str:
        """The aggregate over the rows for which `case` holds; "" for all rows."""
        function, ref = aggregate.function, aggregate.column
        if ref.column == "*":
            return f"count(CASE WHEN {case} THEN 1 END)" if case else "count(*)"
        column = f"r.{quote(ref.column)}"
        storage = self._table(aggregate).column(ref.column).storage_type
        if storage == "BOOLEAN" and function in ("SUM", "AVG"):
            column = f"CAST({column} AS INTEGER)"
        if function == "AVG":
            column = f"CAST({column} AS DOUBLE)"
        if case:
            column = f"CASE WHEN {case} THEN {column} END"
        if function == "LIST_DISTINCT":
            return f"list_sort(list(DISTINCT {column}))"
        if function == "COUNT_DISTINCT":
            return f"count(DISTINCT {column})"
        # Compensated sums: the order of rows, which threads change, must not change a label.
        if function == "AVG" or (function == "SUM" and storage in ("FLOAT", "DOUBLE")):
            return f"f{function.lower()}({column})"
        return f"{function.lower()}({column})"


def _moved(moment: str, count: int, unit: Unit) -> str:
    if count == 0:
        return moment
    return f"{moment} {'+' if count > 0 else '-'} INTERVAL '{abs(count)}' {unit.upper()}"
