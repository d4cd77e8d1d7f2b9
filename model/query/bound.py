"""A query whose names have been looked up: what the planner, the trainers and the exporters go by."""

from dataclasses import dataclass
from typing import Literal

from model.query.syntax import Aggregate, Condition, Operand, Unit, Window

Task = Literal["binary", "regression", "multiclass", "multilabel", "link"]

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
UNIT_NS: dict[Unit, int] = {
    "second": SECOND_NS,
    "minute": 60 * SECOND_NS,
    "hour": 3600 * SECOND_NS,
    "day": DAY_NS,
    "week": 7 * DAY_NS,
    "month": 31 * DAY_NS,
}
"""Nanoseconds at most; months are calendar months and the longest has 31 days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundQuery:
    """A query that fits a graph.

    The label of an entity at cut-off `t` comes from rows in `(t, t + horizon]`. A static target has horizon 0: its
    label is a column of the entity's own row and its cut-off that row's own time.
    """

    text: str
    task: Task
    entity_table: str
    entity_key: str
    """Primary key of the entity table."""
    time_column: str | None
    """Row time of the entity table: an entity exists from then on. None: it has always existed."""
    target: Operand | Condition
    entity_filter: Condition | None
    assuming: Condition | None
    is_static: bool
    """The target is a column of the entity, not an aggregate over a future window."""
    horizon_ns: int
    """End of the furthest target window; 0 for static targets."""
    look_back_ns: int
    """How far back the entity filter reaches; 0 where there is none, -INF left out."""
    target_tables: tuple[str, ...]
    """Tables whose rows make the label."""
    hidden_columns: tuple[tuple[str, str], ...]
    """(table, column) that give the label away and must never be shown to a model."""
    notes: tuple[str, ...]
    """Choices that the binder made for the user, in words."""


def window_end_ns(window: Window | None) -> int:
    """Nanoseconds from the cut-off to the end of a window; 0 without one."""
    return 0 if window is None else window.end * UNIT_NS[window.unit]


def window_start_ns(window: Window | None) -> int:
    """Nanoseconds from the cut-off to the start of a window; 0 without one or where it starts at -INF."""
    return 0 if window is None or window.start is None else window.start * UNIT_NS[window.unit]


def counts_rows(aggregate: Aggregate) -> bool:
    """Whether an empty window has a value (zero), not none."""
    return aggregate.function in ("COUNT", "SUM", "COUNT_DISTINCT")
