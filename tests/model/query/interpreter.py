"""Slow and obvious: what a parsed query means, row by row. Nothing here is shared with the binder or the planner."""

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum
from typing import Any

from model.graph import Graph
from model.query.syntax import Aggregate, ColumnRef, Comparison, Condition, Negation, Operand, PredictiveQuery, Unit

Row = Mapping[str, Any]
Value = Callable[[Operand], Any]
Labelled = tuple[Any, datetime, Any]


@dataclass(frozen=True)
class Interpreter:
    """Answers queries over rows in memory."""

    graph: Graph
    tables: Mapping[str, Sequence[Row]]

    def labelled(self, query: PredictiveQuery, cutoffs: Sequence[datetime]) -> list[Labelled]:
        """(entity, cut-off, label) for every entity and cut-off with a label, sorted by cut-off then entity."""
        rows = []
        table = self.graph.table(query.entity.table)
        for entity in self.tables[table.name]:
            own = [entity[table.time_column]] if is_static(query) and table.time_column else cutoffs
            for cutoff in own:
                label = self._label(query, entity, cutoff) if self.eligible(query, entity, cutoff) else None
                if label is not None:
                    rows.append((entity[query.entity.column], cutoff, label))
        return sorted(rows, key=lambda row: (row[1], row[0]))

    def eligible(self, query: PredictiveQuery, entity: Row, cutoff: datetime | None) -> bool:
        """Whether the entity has a key, exists at the cut-off and passes the filter."""
        table = self.graph.table(query.entity.table)
        if cutoff is None or entity[query.entity.column] is None:
            return False
        if table.time_column is not None:
            begun = entity[table.time_column]
            if begun is None or begun > cutoff:
                return False
        return query.entity_filter is None or holds(query.entity_filter, self._value(query, entity, cutoff))

    def _label(self, query: PredictiveQuery, entity: Row, cutoff: datetime) -> Any:
        value = self._value(query, entity, cutoff)
        if query.assuming is not None and not holds(query.assuming, value):
            return None
        target = query.target
        if query.num_timeframes is not None:
            assert isinstance(target, Aggregate)
            frames = [self.aggregate(target, query.entity, entity, cutoff, n) for n in range(query.num_timeframes)]
            return None if None in frames else frames
        if isinstance(target, ColumnRef | Aggregate):
            return value(target)
        asked = [leaf for leaf in leaves(target) if leaf.operator not in ("IS NULL", "IS NOT NULL")]
        if any(value(leaf.operand) is None for leaf in asked):
            return None
        return holds(target, value)

    def _value(self, query: PredictiveQuery, entity: Row, cutoff: datetime) -> Value:
        def value(operand: Operand) -> Any:
            if isinstance(operand, Aggregate):
                return self.aggregate(operand, query.entity, entity, cutoff)
            return self._of_row(query.entity.table, entity, operand)

        return value

    def _of_row(self, table: str, row: Row, ref: Operand) -> Any:
        """A column of the row, or of the parent that its only link to that table leads to."""
        assert isinstance(ref, ColumnRef)
        if ref.table == table:
            return row[ref.column]
        (link,) = [link for link in self.graph.parents(table) if link.parent_table == ref.table]
        key = self.graph.table(ref.table).primary_key
        found = [p for p in self.tables[ref.table] if p[key or ""] == row[link.child_column] is not None]
        return found[0][ref.column] if found else None

    def aggregate(self, node: Aggregate, entity_key: ColumnRef, entity: Row, cutoff: datetime, frame: int = 0) -> Any:
        """The value for one entity at one cut-off; None for an empty window where that is no number."""
        child = self.graph.table(node.column.table)
        links = [link for link in self.graph.parents(child.name) if link.parent_table == entity_key.table]
        column = node.by.column if node.by else links[0].child_column
        rows = [row for row in self.tables[child.name] if row[column] == entity[entity_key.column] is not None]
        if node.window is not None:
            assert child.time_column is not None
            time = child.time_column
            width = node.window.end - (node.window.start or 0)
            shift = frame * width
            end = moved(cutoff, node.window.end + shift, node.window.unit)
            rows = [row for row in rows if row[time] is not None and row[time] <= end]
            if node.window.start is not None:
                start = moved(cutoff, node.window.start + shift, node.window.unit)
                rows = [row for row in rows if row[time] > start]
        if node.where is not None:
            rows = [row for row in rows if self._row_holds(node.where, child.name, row)]
        if node.column.column == "*":
            return len(rows)
        return self._over(node, rows)

    def _row_holds(self, where: Condition, table: str, row: Row) -> bool:
        return holds(where, lambda ref: self._of_row(table, row, ref))

    def _over(self, node: Aggregate, rows: Sequence[Row]) -> Any:
        name = node.column.column
        rows = [row for row in rows if row[name] is not None]
        values = [row[name] for row in rows]
        if node.function in ("COUNT", "COUNT_DISTINCT"):
            return len(values) if node.function == "COUNT" else len(set(values))
        if node.function == "SUM":
            return fsum(values)
        if node.function == "LIST_DISTINCT":
            values = self._items(node.column, values)
        if not values:
            return None
        results: dict[str, Callable[[], Any]] = {
            "AVG": lambda: fsum(values) / len(values),
            "MIN": lambda: min(values),
            "MAX": lambda: max(values),
            "LIST_DISTINCT": lambda: sorted(set(values)),
            "FIRST": lambda: min(rows, key=lambda row: self._place(node.column, row, 1))[name],
            "LAST": lambda: max(rows, key=lambda row: self._place(node.column, row, -1))[name],
        }
        return results[node.function]()

    def _items(self, ref: ColumnRef, values: list[Any]) -> list[Any]:
        """Keys that a row of the linked table has; all values of a column that is no link."""
        for link in self.graph.parents(ref.table):
            if link.child_column == ref.column:
                key = self.graph.table(link.parent_table).primary_key or ""
                known = {row[key] for row in self.tables[link.parent_table]}
                return [value for value in values if value in known]
        return values

    def _place(self, ref: ColumnRef, row: Row, without_key: int) -> tuple[Any, ...]:
        """Rows go by time, then by primary key (one without loses), then by value."""
        table = self.graph.table(ref.table)
        key = row[table.primary_key] if table.primary_key else 0
        is_missing = without_key if key is None else 0
        return (row[table.time_column or ""], is_missing, key or 0, row[ref.column])


def is_static(query: PredictiveQuery) -> bool:
    """Whether the target speaks of the entity's own columns."""
    if isinstance(query.target, ColumnRef | Aggregate):
        return isinstance(query.target, ColumnRef)
    return isinstance(leaves(query.target)[0].operand, ColumnRef)


def leaves(condition: Condition) -> list[Comparison]:
    """The comparisons of a condition."""
    if isinstance(condition, Comparison):
        return [condition]
    parts = [condition.condition] if isinstance(condition, Negation) else condition.conditions
    return [leaf for part in parts for leaf in leaves(part)]


def moved(time: datetime, count: int, unit: Unit) -> datetime:
    """Calendar months keep the day, or take the last one that the month has."""
    if unit != "month":
        return time + timedelta(**{f"{unit}s": count})
    years, month = divmod(time.year * 12 + time.month - 1 + count, 12)
    day = min(time.day, calendar.monthrange(years, month + 1)[1])
    return time.replace(year=years, month=month + 1, day=day)


def holds(condition: Condition, value: Value) -> bool:
    """Two-valued logic: a comparison with nothing is false."""
    if isinstance(condition, Negation):
        return not holds(condition.condition, value)
    if isinstance(condition, Comparison):
        return compare(value(condition.operand), condition.operator, condition.value)
    parts = [holds(part, value) for part in condition.conditions]
    return all(parts) if condition.word == "AND" else any(parts)


def compare(found: Any, operator: str, wanted: Any) -> bool:
    """`found operator wanted`; false where nothing is found."""
    if operator in ("IS NULL", "IS NOT NULL"):
        return (found is None) == (operator == "IS NULL")
    if found is None:
        return False
    if operator.startswith("NOT "):
        return not compare(found, operator.removeprefix("NOT "), wanted)
    if isinstance(found, datetime):
        wanted = tuple(map(datetime.fromisoformat, wanted)) if operator == "IN" else datetime.fromisoformat(wanted)
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: found == wanted,
        "!=": lambda: found != wanted,
        "<": lambda: found < wanted,
        "<=": lambda: found <= wanted,
        ">": lambda: found > wanted,
        ">=": lambda: found >= wanted,
        "IN": lambda: found in wanted,
        "LIKE": lambda: _like(wanted).fullmatch(found) is not None,
        "CONTAINS": lambda: wanted in found,
        "STARTS WITH": lambda: found.startswith(wanted),
        "ENDS WITH": lambda: found.endswith(wanted),
    }
    return tests[operator]()


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace("%", ".*").replace("_", "."), re.DOTALL)
