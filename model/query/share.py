"""Which aggregates are read from one scan of their table: those over the same rows, or nearly."""

from collections.abc import Sequence

from model.query.syntax import UNIT_NS, Aggregate, Window

_ALONE = ("FIRST", "LAST", "LIST_DISTINCT")
_MOST_WASTE = 1.5
"""A shared scan may be this many times as wide as its windows together."""


def may_share(shared: Sequence[Aggregate], other: Aggregate) -> bool:
    """Whether one scan serves `other` too."""
    first = shared[0]
    if {first.function, other.function} & set(_ALONE):
        return False
    if (first.column.table, first.link_column) != (other.column.table, other.link_column):
        return False
    windows = [aggregate.window for aggregate in (*shared, other) if aggregate.window is not None]
    if not windows:
        return True
    if len({window.unit == "month" for window in windows}) == 2:
        return False
    widths = [_width_ns(window) for window in set(windows)]
    return None in widths or (_width_ns(hull(windows)) or 0) <= _MOST_WASTE * sum(width or 0 for width in widths)


def hull(windows: Sequence[Window]) -> Window:
    """The narrowest window that holds all; months are not mixed with other units."""
    unit = windows[0].unit
    if any(window.unit != unit for window in windows):
        windows, unit = [_in_seconds(window) for window in windows], "second"
    starts = [window.start for window in windows if window.start is not None]
    return Window(
        start=min(starts) if len(starts) == len(windows) else None,
        end=max(window.end for window in windows),
        unit=unit,
        span=windows[0].span,
    )


def start_ns(window: Window) -> int | None:
    """Nanoseconds from the cut-off to the start; None for -INF."""
    return None if window.start is None else window.start * UNIT_NS[window.unit]


def end_ns(window: Window) -> int:
    """Nanoseconds from the cut-off to the end."""
    return window.end * UNIT_NS[window.unit]


def _width_ns(window: Window) -> int | None:
    start = start_ns(window)
    return None if start is None else end_ns(window) - start


def _in_seconds(window: Window) -> Window:
    second = UNIT_NS["second"]
    start = start_ns(window)
    return Window(
        start=None if start is None else start // second, end=end_ns(window) // second, unit="second", span=window.span
    )
