"""Which aggregates must have rows for an entity to have a row at all: those the statement may start from."""

from model.query.bound import BoundQuery, counts_rows
from model.query.syntax import Aggregate, Comparison, Condition, Junction


def needed(bound: BoundQuery) -> tuple[Aggregate, ...]:
    """Aggregates whose empty window rules a row out: by the filter, by ASSUMING, or as an unknown target."""
    target = bound.target
    unknown = (target,) if isinstance(target, Aggregate) and not counts_rows(target) else ()
    return (*_of(bound.entity_filter), *_of(bound.assuming), *unknown)


def _of(condition: Condition | None) -> tuple[Aggregate, ...]:
    if isinstance(condition, Junction) and condition.word == "AND":
        return tuple(a for part in condition.conditions for a in _of(part))
    if isinstance(condition, Comparison) and isinstance(condition.operand, Aggregate):
        return () if _may_hold_when_empty(condition) else (condition.operand,)
    return ()


def _may_hold_when_empty(comparison: Comparison) -> bool:
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
