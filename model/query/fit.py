"""Whether the column and the window of an aggregate fit its table and its place in the query; a misfit is a fault."""

from typing import Literal

from model.graph import SemanticType, Table
from model.query.fault import fault
from model.query.names import Names
from model.query.syntax import Aggregate

Place = Literal["target", "filter", "assuming"]


def refuse_unfit_column(text: str, aggregate: Aggregate, table: Table, names: Names) -> None:
    """Each function takes certain columns: numbers, categories, or any.

    Raises:
        UserError: at the column.
    """
    function, ref = aggregate.function, aggregate.column
    if ref.column == "*":
        if function != "COUNT":
            raise fault(text, ref.span, f"`*` only goes inside COUNT and EXISTS (got {function})", "name a column")
        return
    column = names.column(ref)
    kind = names.kind(column)
    links = {link.child_column for link in names.graph.parents(table.name)}
    is_key = ref.column in links or ref.column == table.primary_key
    takes = ("number", "boolean") if function in ("SUM", "AVG") else ("number", "boolean", "time")
    if function in ("SUM", "AVG", "MIN", "MAX") and (is_key or kind not in takes):
        got = "a key" if is_key else kind
        hint = "COUNT takes any column"
        if kind == "string":
            hint = f"count rows: COUNT({table.name}.* WHERE {ref} = '...', ...)"
        raise fault(text, ref.span, f"{function} needs a number (got {got} `{ref}`)", hint)
    if function == "LIST_DISTINCT":
        _refuse_unfit_list(text, aggregate, table)
    if kind == "other" and function != "COUNT":
        raise fault(
            text,
            ref.span,
            f"{function} cannot take `{ref}` of type {column.storage_type}",
            f"use COUNT({ref}, ...) or another column",
        )
    if column.semantic_type is SemanticType.EMBEDDING and function != "COUNT":
        raise fault(text, ref.span, f"{function} cannot take the embedding `{ref}`", f"use COUNT({ref}, ...)")


def _refuse_unfit_list(text: str, aggregate: Aggregate, table: Table) -> None:
    ref = aggregate.column
    if ref.column == table.primary_key:
        raise fault(text, ref.span, f"`{ref}` is another one in every row", "list the column that links to the items")
    if ref.column == aggregate.link_column:
        raise fault(text, ref.span, f"`{ref}` is the entity itself", "list another link of the table")


def refuse_unfit_window(text: str, aggregate: Aggregate, table: Table, place: Place) -> None:
    """Targets and ASSUMING look forward, filters look back, and only rows with a time can be cut by one.

    Raises:
        UserError: at the window, or at the aggregate that lacks one.
    """
    window = aggregate.window
    if table.time_column is None:
        _refuse_timeless(text, aggregate, table, place)
        return
    if window is None:
        example = "-30, 0, days" if place == "filter" else "0, 30, days"
        raise fault(text, aggregate.span, "an aggregate needs a time range", f"add a window: (..., {example})")
    if place == "filter" and window.end > 0:
        raise fault(
            text,
            window.span,
            f"a filter on entities may only look back (got an end of {window.end})",
            "use a window such as (-30, 0, days); what comes after the cut-off belongs to PREDICT or ASSUMING",
        )
    if place != "filter" and (window.start is None or window.start < 0):
        word = "a target" if place == "target" else "ASSUMING"
        start = "-INF" if window.start is None else window.start
        raise fault(
            text,
            window.span,
            f"the window of {word} starts at the cut-off or later (got {start})",
            "put the condition on the past after FOR EACH ... WHERE",
        )


def _refuse_timeless(text: str, aggregate: Aggregate, table: Table, place: Place) -> None:
    static = f"WHERE {aggregate.function}({aggregate.column}) > 0"
    if aggregate.window is not None:
        raise fault(
            text,
            aggregate.window.span,
            f"`{table.name}` has no time column, so no window",
            f"name a `time_column` for `{table.name}` in graph.yaml, or filter without a window: FOR EACH ... {static}",
        )
    if place != "filter":
        raise fault(
            text,
            aggregate.span,
            f"rows of `{table.name}` have no time, so they cannot be predicted",
            f"predict a table with a time, or filter by this one: FOR EACH ... {static}",
        )
    if aggregate.function in ("FIRST", "LAST"):
        raise fault(
            text,
            aggregate.span,
            f"rows of `{table.name}` have no time, so none is first or last",
            "use MIN, MAX or COUNT",
        )
