"""A query whose names have been looked up: what the planner, the trainers and the exporters go by."""

from dataclasses import dataclass
from typing import Literal

from model.errors import UserError
from model.query.syntax import UNIT_NS, Aggregate, Condition, Operand, Window, aggregates, columns

Task = Literal["binary", "regression", "multiclass", "multilabel", "link", "forecast"]
TrainableTask = Literal["binary", "regression", "multiclass", "multilabel", "forecast"]
"""Tasks of the deep and the distilled model; a link is learned by a ranking (`model/ranking`)."""

DAY_NS = UNIT_NS["day"]


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
    top: int | None
    """k of `RANK TOP k`; None: the target is not ranked."""
    num_timeframes: int | None
    """n of `FORECAST n TIMEFRAMES`: the target's window is followed by n - 1 of the same width."""
    item_table: str | None
    """Table whose rows a `link` target lists, by primary key; None for other tasks."""
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


def horizon_ns(window: Window | None, num_timeframes: int = 1) -> int:
    """Nanoseconds from the cut-off to the end of the last of so many windows in a row; 0 without a window."""
    if window is None:
        return 0
    width = window.end - (window.start or 0)
    return (window.end + (num_timeframes - 1) * width) * UNIT_NS[window.unit]


def window_start_ns(window: Window | None) -> int:
    """Nanoseconds from the cut-off to the start of a window; 0 without one or where it starts at -INF."""
    return 0 if window is None or window.start is None else window.start * UNIT_NS[window.unit]


def parent_tables(bound: BoundQuery) -> tuple[str, ...]:
    """Tables that rows are joined with, one row each: parents whose columns a condition speaks of."""
    conditions = [bound.entity_filter, bound.assuming]
    found = [*aggregates(bound.target), *(a for c in conditions for a in aggregates(c))]
    refs = [*columns(bound.entity_filter), *(ref for a in found for ref in columns(a.where))]
    return tuple(sorted({ref.table for ref in refs if ref.via}))


def trainable(task: Task) -> TrainableTask:
    """The same task, known to be one whose answers are numbers of an entity: it can be distilled and served live.

    Raises:
        UserError: a link, with the way round.
    """
    if task != "link":
        return task
    raise UserError(
        "a ranking is not distilled and served live yet (the query lists links)",
        hint="`stillhouse score` ranks for everybody at once; or add CLASSIFY for a probability of each item, which is "
        "distilled and served",
    )


def counts_rows(aggregate: Aggregate) -> bool:
    """Whether an empty window has a value (zero), not none."""
    return aggregate.function in ("COUNT", "SUM", "COUNT_DISTINCT")
