"""Slow and obvious: what a parsed query means, row by row, over the little database of these tests."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import fsum
from typing import Any

from model.query.syntax import (
    Aggregate,
    ColumnRef,
    Comparison,
    Condition,
    Negation,
    Operand,
    PredictiveQuery,
    aggregates,
    columns,
    comparisons,
)

Row = Mapping[str, Any]
LINKS = {("visits", "shops"): "shop_id", ("visits", "people"): "person_id"}
KEYS = {"shops": "shop_id", "people": "person_id", "visits": "visit_id"}
TIMES = {"people": "joined", "visits": "at_time"}


@dataclass
class LittleDatabase:
    """Rows of `people` (entities with a time), `shops` (no time) and `visits` (their child, with a time)."""

    people: Sequence[Row] = field(default_factory=list)
    shops: Sequence[Row] = field(default_factory=list)
    visits: Sequence[Row] = field(default_factory=list)

    def table(self, name: str) -> Sequence[Row]:
        rows: Sequence[Row] = getattr(self, name)
        return rows

    def parent(self, row: Row, child: str, parent: str) -> Row:
        key = row[LINKS[child, parent]]
        return next((p for p in self.table(parent) if p[KEYS[parent]] == key and key is not None), {})


def labelled(database: LittleDatabase, query: PredictiveQuery, cutoffs: Sequence[datetime]) -> list[tuple[Any, ...]]:
    """(entity, cut-off, label) for every entity and cut-off, sorted by cut-off then entity."""
    rows = []
    table = query.entity.table
    for entity in database.table(table):
        own = [entity[TIMES[table]]] if columns(query.target) else cutoffs
        for cutoff in own:
            label = _label(database, query, entity, cutoff)
            if label is not None:
                rows.append((entity[KEYS[table]], cutoff, label))
    return sorted(rows, key=lambda row: (row[1], row[0]))


def _label(database: LittleDatabase, query: PredictiveQuery, entity: Row, cutoff: datetime | None) -> float | None:
    table = query.entity.table
    if cutoff is None or entity[KEYS[table]] is None:
        return None
    if table in TIMES and (entity[TIMES[table]] is None or entity[TIMES[table]] > cutoff):
        return None

    def value(operand: Operand) -> Any:
        if isinstance(operand, ColumnRef):
            row = entity if operand.table == table else database.parent(entity, table, operand.table)
            return row.get(operand.column)
        return aggregate(database, operand, table, entity, cutoff)

    for condition in (query.entity_filter, query.assuming):
        if condition is not None and not holds(condition, value):
            return None
    if isinstance(query.target, ColumnRef | Aggregate):
        found = value(query.target)
        return None if found is None else float(found)
    leaves = comparisons(query.target)
    assert len(aggregates(query.target)) + len(columns(query.target)) == len(leaves)
    if any(value(leaf.operand) is None for leaf in leaves if not leaf.operator.startswith("IS ")):
        return None
    return float(holds(query.target, value))


def holds(condition: Condition, value: Callable[[Operand], Any]) -> bool:
    """Two-valued logic: a comparison with nothing is false."""
    if isinstance(condition, Negation):
        return not holds(condition.condition, value)
    if isinstance(condition, Comparison):
        return _compare(value(condition.operand), condition.operator, condition.value)
    parts = [holds(part, value) for part in condition.conditions]
    return all(parts) if condition.word == "AND" else any(parts)


def _compare(found: Any, operator: str, wanted: Any) -> bool:
    if operator in ("IS NULL", "IS NOT NULL"):
        return (found is None) == (operator == "IS NULL")
    if found is None:
        return False
    if operator.startswith("NOT "):
        return not _compare(found, operator.removeprefix("NOT "), wanted)
    if isinstance(found, datetime):
        wanted = datetime.fromisoformat(wanted)
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: found == wanted,
        "!=": lambda: found != wanted,
        "<": lambda: found < wanted,
        "<=": lambda: found <= wanted,
        ">": lambda: found > wanted,
        ">=": lambda: found >= wanted,
        "IN": lambda: found in wanted,
        "LIKE": lambda: re.fullmatch(re.escape(wanted).replace("%", ".*").replace("_", "."), found) is not None,
        "CONTAINS": lambda: wanted in found,
        "STARTS WITH": lambda: found.startswith(wanted),
        "ENDS WITH": lambda: found.endswith(wanted),
    }
    return tests[operator]()


def aggregate(database: LittleDatabase, node: Aggregate, entity_table: str, entity: Row, cutoff: datetime) -> Any:
    """The value of one aggregate for one entity at one cut-off; None for an empty window where that is no number."""
    child = node.column.table
    rows = []
    for row in database.table(child):
        if row[LINKS[child, entity_table]] != entity[KEYS[entity_table]] or row[TIMES[child]] is None:
            continue
        assert node.window is not None
        unit = timedelta(**{f"{node.window.unit}s": 1})
        after_start = node.window.start is None or row[TIMES[child]] > cutoff + node.window.start * unit
        if not (after_start and row[TIMES[child]] <= cutoff + node.window.end * unit):
            continue
        if node.where is None or holds(node.where, _row_value(database, child, row)):
            rows.append(row)
    if node.column.column == "*":
        return len(rows)
    rows.sort(key=lambda row: (row[TIMES[child]], row[KEYS[child]]))
    values = [row[node.column.column] for row in rows if row[node.column.column] is not None]
    if node.function in ("COUNT", "COUNT_DISTINCT"):
        return len(values) if node.function == "COUNT" else len(set(values))
    if node.function == "SUM":
        return fsum(values)
    if not values:
        return None
    results: dict[str, Callable[[], Any]] = {
        "AVG": lambda: fsum(values) / len(values),
        "MIN": lambda: min(values),
        "MAX": lambda: max(values),
        "FIRST": lambda: values[0],
        "LAST": lambda: values[-1],
    }
    return results[node.function]()


def _row_value(database: LittleDatabase, child: str, row: Row) -> Callable[[Operand], Any]:
    def value(operand: Operand) -> Any:
        assert isinstance(operand, ColumnRef)
        source = row if operand.table == child else database.parent(row, child, operand.table)
        return source.get(operand.column)

    return value
