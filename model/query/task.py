"""The bound target and the words RANK, CLASSIFY and FORECAST tell the task."""

from model.graph import Column, SemanticType
from model.query.bound import Task
from model.query.fault import fault
from model.query.names import Names
from model.query.syntax import Aggregate, ColumnRef, Condition, Operand, PredictiveQuery

NUMERIC_RESULT = ("COUNT", "SUM", "AVG", "COUNT_DISTINCT")
MAX_TIMEFRAMES = 1_000
MAX_TOP = 10_000


def task_of(query: PredictiveQuery, target: Operand | Condition, names: Names) -> Task:
    """The task of a bound target.

    Raises:
        UserError: the target cannot be predicted, or the words after it do not go with it.
    """
    task = _target_task(query, target, names)
    if query.num_timeframes is not None:
        return _forecast(query, target, task)
    _refuse_unfit_words(query, task, is_list=_is_list(target))
    return "multilabel" if task == "link" and query.mode == "CLASSIFY" else task


def _is_list(target: Operand | Condition) -> bool:
    return isinstance(target, Aggregate) and target.function == "LIST_DISTINCT"


def _target_task(query: PredictiveQuery, target: Operand | Condition, names: Names) -> Task:
    if not isinstance(target, ColumnRef | Aggregate):
        return "binary"
    if isinstance(target, Aggregate) and target.function in NUMERIC_RESULT:
        return "regression"
    ref = target.column if isinstance(target, Aggregate) else target
    column = names.column(ref)
    if _is_list(target):
        return _list_task(query, ref, column, names)
    kind = names.kind(column)
    is_extreme = isinstance(target, Aggregate) and target.function in ("MIN", "MAX")
    if kind == "number" and (is_extreme or column.semantic_type is SemanticType.NUMERICAL):
        return "regression"
    if column.semantic_type is SemanticType.CATEGORICAL and kind in ("number", "string", "boolean"):
        return "multiclass"
    is_link = ref.column in {link.child_column for link in names.graph.parents(ref.table)}
    if is_link:
        raise fault(
            query.text,
            target.span,
            f"`{ref}` is a link: one linked row is no class",
            f"predict LIST_DISTINCT({ref}, 0, 30, days) RANK TOP 10",
        )
    raise fault(
        query.text,
        target.span,
        f"`{ref}` is {column.semantic_type.value} and cannot be predicted",
        "predict a numerical or categorical column, or a comparison",
    )


def _list_task(query: PredictiveQuery, ref: ColumnRef, column: Column, names: Names) -> Task:
    if any(link.child_column == ref.column for link in names.graph.parents(ref.table)):
        return "link"
    if column.semantic_type is SemanticType.CATEGORICAL:
        return "multilabel"
    raise fault(
        query.text,
        ref.span,
        f"LIST_DISTINCT needs a link or a category (got {column.semantic_type.value} `{ref}`)",
        "list the column that links to the items, e.g. LIST_DISTINCT(orders.item_id, 0, 30, days)",
    )


def _forecast(query: PredictiveQuery, target: Operand | Condition, task: Task) -> Task:
    if not isinstance(target, Aggregate) or task != "regression":
        raise fault(
            query.text,
            query.spec_span,
            f"FORECAST needs an aggregate that gives a number (got a {task} target)",
            "e.g. PREDICT SUM(orders.price, 0, 7, days) FORECAST 4 TIMEFRAMES",
        )
    assert query.num_timeframes is not None
    if not 1 <= query.num_timeframes <= MAX_TIMEFRAMES:
        raise fault(
            query.text,
            query.spec_span,
            f"a forecast has 1 to {MAX_TIMEFRAMES:,} timeframes (got {query.num_timeframes})",
            "widen the window for a longer forecast",
        )
    return "forecast"


def _refuse_unfit_words(query: PredictiveQuery, task: Task, *, is_list: bool) -> None:
    span = query.spec_span
    if query.top is not None and query.mode != "RANK":
        raise fault(query.text, span, "TOP k goes with RANK", "write RANK TOP k")
    if query.top is not None and not 1 <= query.top <= MAX_TOP:
        raise fault(
            query.text, span, f"RANK TOP k needs a k from 1 to {MAX_TOP:,} (got {query.top})", "write RANK TOP 10"
        )
    if query.mode == "RANK" and not is_list:
        raise fault(
            query.text,
            span,
            f"RANK goes with LIST_DISTINCT (got a {task} target)",
            "leave it out, or list what is to be ranked: LIST_DISTINCT(...) RANK TOP 10",
        )
    if query.mode == "RANK" and query.top is None:
        raise fault(query.text, span, "RANK says how many are kept", "write RANK TOP 10")
    if query.mode == "CLASSIFY" and not is_list and task != "multiclass":
        raise fault(query.text, span, f"CLASSIFY goes with categories (got a {task} target)", "leave it out")
