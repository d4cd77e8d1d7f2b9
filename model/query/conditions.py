"""Conditions of a query become SQL with two truth values: a comparison with null is false."""

from collections.abc import Callable
from datetime import UTC, datetime

from model.query.bound import counts_rows
from model.query.names import Kind, Names
from model.query.syntax import Aggregate, Comparison, Condition, Negation, Scalar
from model.tables.sql_text import literal

_MATCHES = {
    "LIKE": "{value} LIKE {pattern}",
    "CONTAINS": "contains({value}, {pattern})",
    "STARTS WITH": "starts_with({value}, {pattern})",
    "ENDS WITH": "ends_with({value}, {pattern})",
}


def condition_sql(condition: Condition, leaf: Callable[[Comparison], str]) -> str:
    """The condition in brackets; `leaf` writes its comparisons."""
    if isinstance(condition, Comparison):
        return leaf(condition)
    if isinstance(condition, Negation):
        return f"(NOT {condition_sql(condition.condition, leaf)})"
    return f"({f' {condition.word} '.join(condition_sql(part, leaf) for part in condition.conditions)})"


def operand_comparison_sql(comparison: Comparison, value: str, names: Names) -> str:
    """`value`, which is the SQL of the comparison's operand, compared as `comparison` says."""
    operand = comparison.operand
    column = operand.column if isinstance(operand, Aggregate) else operand
    is_number = column.column == "*" or (isinstance(operand, Aggregate) and counts_rows(operand))
    return comparison_sql(comparison, value, "number" if is_number else names.kind(names.column(column)))


def comparison_sql(comparison: Comparison, value: str, kind: Kind) -> str:
    """`value` compared as `comparison` says.

    Args:
        comparison: operator and constant.
        value: SQL of the left side.
        kind: what the left side is.
    """
    operator = comparison.operator
    if operator.startswith("IS "):
        return f"({value} {operator})"
    word = operator.removeprefix("NOT ")
    if word in _MATCHES:
        sql = _MATCHES[word].format(value=value, pattern=scalar_sql(str(comparison.value), "string"))
    elif isinstance(comparison.value, tuple):
        sql = f"{value} IN ({', '.join(scalar_sql(item, kind) for item in comparison.value)})"
    else:
        sql = f"{value} {word} {scalar_sql(comparison.value, kind)}"
    negation = "NOT " if operator.startswith("NOT ") else ""
    return f"coalesce({negation}({sql}), FALSE)"


def scalar_sql(value: Scalar, kind: Kind) -> str:
    """A constant, as the kind of the other side wants it."""
    if kind == "boolean":
        return "TRUE" if value else "FALSE"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        return time_sql(datetime.fromisoformat(value)) if kind == "time" else literal(value)
    return repr(value)


def time_sql(time: datetime) -> str:
    """A moment as a timestamp in UTC; one without a zone is UTC already."""
    naive = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    return f"TIMESTAMP {literal(naive.isoformat(' '))}"
