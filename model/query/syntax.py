"""What a predictive query says, as a tree of frozen values.

Every node remembers its place in the text, which does not count when nodes are compared.
"""

from dataclasses import dataclass, field
from typing import Literal

Function = Literal["COUNT", "SUM", "AVG", "MIN", "MAX", "COUNT_DISTINCT", "FIRST", "LAST", "LIST_DISTINCT"]
Unit = Literal["second", "minute", "hour", "day", "week", "month"]
UNIT_NS: dict[Unit, int] = {
    "second": 10**9,
    "minute": 60 * 10**9,
    "hour": 3600 * 10**9,
    "day": 86_400 * 10**9,
    "week": 7 * 86_400 * 10**9,
    "month": 31 * 86_400 * 10**9,
}
"""Nanoseconds at most; months are calendar months and the longest has 31 days."""
Operator = Literal[
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "IN",
    "NOT IN",
    "IS NULL",
    "IS NOT NULL",
    "LIKE",
    "NOT LIKE",
    "CONTAINS",
    "NOT CONTAINS",
    "STARTS WITH",
    "NOT STARTS WITH",
    "ENDS WITH",
    "NOT ENDS WITH",
]
Scalar = int | float | str | bool | None
Constant = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters `[start, end)` of the query's text."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnRef:
    """`table.column`, or `table.*`."""

    table: str
    column: str
    """`*` for the wildcard."""
    span: Span = field(compare=False)
    via: str = ""
    """Set by the binder for a parent's column: the column of the row that links to the parent."""

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """`(t + start, t + end]`, counted in units from the cut-off `t`."""

    start: int | None
    """None: since the beginning of time."""
    end: int
    unit: Unit
    """Months are calendar months."""
    span: Span = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate:
    """`FUNCTION(column [BY link] [WHERE condition] [, window])` over the rows of one child table."""

    function: Function
    column: ColumnRef
    by: ColumnRef | None
    where: "Condition | None"
    window: Window | None
    span: Span = field(compare=False)
    link_column: str = ""
    """Set by the binder: the column of the child table that holds the entity's key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`operand operator value`; false where the operand is null, but for IS NULL."""

    operand: "Operand"
    operator: Operator
    value: Constant
    span: Span = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Negation:
    """NOT."""

    condition: "Condition"


@dataclass(frozen=True, kw_only=True, slots=True)
class Junction:
    """AND or OR over two or more conditions."""

    word: Literal["AND", "OR"]
    conditions: tuple["Condition", ...]


Operand = ColumnRef | Aggregate
Condition = Comparison | Negation | Junction


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictiveQuery:
    """A parsed query; names are not looked up yet."""

    text: str
    target: Operand | Condition
    target_span: Span
    mode: Literal["", "RANK", "CLASSIFY"]
    top: int | None
    """k of `RANK TOP k`."""
    num_timeframes: int | None
    """n of `FORECAST n TIMEFRAMES`."""
    spec_span: Span
    entity: ColumnRef
    entity_filter: Condition | None
    assuming: Condition | None
    assuming_span: Span


def comparisons(condition: Condition | None) -> tuple[Comparison, ...]:
    """The leaves of a condition, in the order of the text."""
    if condition is None:
        return ()
    if isinstance(condition, Comparison):
        return (condition,)
    if isinstance(condition, Negation):
        return comparisons(condition.condition)
    return tuple(leaf for part in condition.conditions for leaf in comparisons(part))


def aggregates(node: Operand | Condition | None) -> tuple[Aggregate, ...]:
    """The aggregates of an operand or a condition, nested ones left out."""
    if isinstance(node, Aggregate):
        return (node,)
    if node is None or isinstance(node, ColumnRef):
        return ()
    return tuple(leaf.operand for leaf in comparisons(node) if isinstance(leaf.operand, Aggregate))


def columns(node: Operand | Condition | None) -> tuple[ColumnRef, ...]:
    """The plain columns of an operand or a condition."""
    if isinstance(node, ColumnRef):
        return (node,)
    if node is None or isinstance(node, Aggregate):
        return ()
    return tuple(leaf.operand for leaf in comparisons(node) if isinstance(leaf.operand, ColumnRef))
