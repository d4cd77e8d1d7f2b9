"""A parsed query meets the graph: names are looked up, windows and types are checked, the task is told."""

from dataclasses import replace
from typing import Literal

from model.errors import UserError
from model.graph import Column, Graph, SemanticType, Table
from model.query.bound import BoundQuery, Task, window_end_ns, window_start_ns
from model.query.fault import fault
from model.query.names import Kind, Names, refuse_clash
from model.query.syntax import (
    Aggregate,
    ColumnRef,
    Comparison,
    Condition,
    Junction,
    Negation,
    Operand,
    PredictiveQuery,
    Span,
    aggregates,
    columns,
)

Place = Literal["target", "filter", "assuming"]
_NUMERIC_RESULT = ("COUNT", "SUM", "AVG", "COUNT_DISTINCT")


def bind_query(query: PredictiveQuery, graph: Graph) -> BoundQuery:
    """Look up every name of `query` in `graph`.

    Raises:
        UserError: with line, column and a caret, where the query does not fit the graph.
    """
    return _Binder(query, graph).bind()


class _Binder:
    """Holds the query, the names and the notes while one query is bound."""

    def __init__(self, query: PredictiveQuery, graph: Graph) -> None:
        self._query = query
        self._names = Names(query.text, graph)
        self._entity = self._bind_entity()

    def bind(self) -> BoundQuery:
        query = self._query
        target = self._bind_target()
        found = aggregates(target)
        entity_filter = None if query.entity_filter is None else self._condition(query.entity_filter, "filter")
        assuming = None if query.assuming is None else self._condition(query.assuming, "assuming")
        task = self._task(target)
        self._refuse_unfit_spec(task)
        future = (*found, *aggregates(assuming))
        assert self._entity.primary_key is not None
        return BoundQuery(
            text=query.text,
            task=task,
            entity_table=self._entity.name,
            entity_key=self._entity.primary_key,
            time_column=self._entity.time_column,
            target=target,
            entity_filter=entity_filter,
            assuming=assuming,
            is_static=not found,
            horizon_ns=max((window_end_ns(a.window) for a in future), default=0),
            look_back_ns=max((-window_start_ns(a.window) for a in aggregates(entity_filter)), default=0),
            target_tables=tuple(dict.fromkeys(a.column.table for a in found)) or (self._entity.name,),
            hidden_columns=tuple(dict.fromkeys((c.table, c.column) for c in columns(target))),
            notes=tuple(dict.fromkeys(self._names.notes)),
        )

    def _fault(self, span: Span, message: str, hint: str = "") -> UserError:
        return fault(self._query.text, span, message, hint)

    def _bind_entity(self) -> Table:
        entity = self._query.entity
        table = self._names.table(entity)
        if entity.column == "*" or table.primary_key != entity.column:
            if entity.column != "*":
                self._names.column(entity)
            if table.primary_key is None:
                raise self._fault(
                    entity.span, f"`{table.name}` has no primary key", "name its `primary_key` in graph.yaml"
                )
            raise self._fault(
                entity.span,
                f"an entity is named by the primary key of its table (got `{entity}`)",
                f"write FOR EACH {table.name}.{table.primary_key}",
            )
        return table

    def _bind_target(self) -> Operand | Condition:
        target = self._query.target
        if isinstance(target, ColumnRef):
            return self._static_column(target)
        if isinstance(target, Aggregate):
            return self._aggregate(target, "target")
        if aggregates(target) and columns(target):
            raise self._fault(
                columns(target)[0].span,
                "a target mixes a column of the entity with an aggregate over time",
                "put the condition on the entity after FOR EACH ... WHERE",
            )
        return self._condition(target, "target")

    def _static_column(self, ref: ColumnRef) -> Operand | Condition:
        """A bare column; a boolean one is the condition that it is true."""
        bound, column = self._own_column(ref)
        if column.semantic_type in (SemanticType.TEXT, SemanticType.TIMESTAMP):
            raise self._fault(
                ref.span,
                f"`{ref}` is {column.semantic_type.value} and cannot be predicted",
                "predict a numerical or categorical column, or a comparison such as `= 'x'`",
            )
        if self._names.kind(column) == "boolean":
            return Comparison(operand=bound, operator="=", value=True, span=ref.span)
        return bound

    def _own_column(self, ref: ColumnRef) -> tuple[ColumnRef, Column]:
        """A target column: of the entity's own row, and neither key, link nor time."""
        if ref.table != self._entity.name:
            self._names.table(ref)
            raise self._fault(
                ref.span,
                f"`{ref}` is no column of the entity table `{self._entity.name}`",
                f"predict a column of `{self._entity.name}`, or an aggregate such as AVG({ref}, 0, 30, days)",
            )
        if ref.column == "*":
            raise self._fault(ref.span, "`*` only goes inside COUNT and EXISTS", "name a column")
        column = self._names.column(ref)
        links = {link.child_column for link in self._names.graph.parents(ref.table)}
        if ref.column in links | {self._entity.primary_key, self._entity.time_column}:
            raise self._fault(
                ref.span,
                f"`{ref}` is a key, a link or the row's time and cannot be predicted",
                "predict another column",
            )
        return ref, column

    def _condition(self, condition: Condition, place: Place) -> Condition:
        if isinstance(condition, Negation):
            return Negation(condition=self._condition(condition.condition, place))
        if isinstance(condition, Junction):
            parts = tuple(self._condition(part, place) for part in condition.conditions)
            return Junction(word=condition.word, conditions=parts)
        operand, kind = self._operand(condition.operand, place)
        refuse_clash(self._query.text, condition, kind)
        return replace(condition, operand=operand)

    def _operand(self, operand: Operand, place: Place) -> tuple[Operand, Kind]:
        if isinstance(operand, Aggregate):
            bound = self._aggregate(operand, place)
            return bound, self._result_kind(bound)
        if place == "target":
            ref, column = self._own_column(operand)
            return ref, self._names.kind(column)
        if place == "assuming":
            raise self._fault(
                operand.span,
                "ASSUMING speaks of what happens after the cut-off, by aggregates",
                "put the condition on a column after FOR EACH ... WHERE",
            )
        ref = self._names.row_column(operand, self._entity)
        return ref, self._names.kind(self._names.column(operand))

    def _aggregate(self, aggregate: Aggregate, place: Place) -> Aggregate:
        table = self._names.table(aggregate.column)
        link = self._names.link_to_entity(aggregate, self._entity)
        self._refuse_unfit_column(aggregate, table)
        self._refuse_unfit_window(aggregate, table, place)
        where = None if aggregate.where is None else self._nested(aggregate.where, table)
        return replace(aggregate, where=where, link_column=link.child_column)

    def _nested(self, condition: Condition, table: Table) -> Condition:
        """A condition on single rows of the aggregated table."""
        if isinstance(condition, Negation):
            return Negation(condition=self._nested(condition.condition, table))
        if isinstance(condition, Junction):
            return Junction(
                word=condition.word, conditions=tuple(self._nested(part, table) for part in condition.conditions)
            )
        if isinstance(condition.operand, Aggregate):
            raise self._fault(
                condition.operand.span,
                "an aggregate inside an aggregate is not possible yet",
                "filter by columns of the row, or by a second aggregate after FOR EACH ... WHERE",
            )
        ref = self._names.row_column(condition.operand, table)
        refuse_clash(self._query.text, condition, self._names.kind(self._names.column(condition.operand)))
        return replace(condition, operand=ref)

    def _refuse_unfit_column(self, aggregate: Aggregate, table: Table) -> None:
        function, ref = aggregate.function, aggregate.column
        if ref.column == "*":
            if function != "COUNT":
                raise self._fault(ref.span, f"`*` only goes inside COUNT and EXISTS (got {function})", "name a column")
            return
        column = self._names.column(ref)
        kind = self._names.kind(column)
        if function == "LIST_DISTINCT":
            raise self._fault(
                aggregate.span, "LIST_DISTINCT is not possible yet", "predict one item at a time: EXISTS(... WHERE ...)"
            )
        links = {link.child_column for link in self._names.graph.parents(table.name)}
        is_key = ref.column in links or ref.column == table.primary_key
        if function in ("SUM", "AVG", "MIN", "MAX") and (is_key or kind not in ("number", "boolean", "time")):
            raise self._fault(
                ref.span,
                f"{function} needs a number (got {'a key' if is_key else kind} `{ref}`)",
                "COUNT takes any column",
            )
        if function in ("SUM", "AVG") and kind == "time":
            raise self._fault(ref.span, f"{function} needs a number (got time `{ref}`)", "COUNT takes any column")
        if kind == "other" and function != "COUNT":
            raise self._fault(ref.span, f"{function} cannot take `{ref}` of type {column.storage_type}")

    def _refuse_unfit_window(self, aggregate: Aggregate, table: Table, place: Place) -> None:
        window, span = aggregate.window, aggregate.span
        if table.time_column is None:
            if window is not None:
                raise self._fault(
                    window.span,
                    f"`{table.name}` has no time column, so no window",
                    f"name a `time_column` for `{table.name}` in graph.yaml, or leave the window out in a WHERE",
                )
            if place != "filter":
                raise self._fault(
                    span,
                    f"rows of `{table.name}` have no time, so they cannot be predicted",
                    "predict a table with a time",
                )
            return
        if window is None:
            example = "-30, 0, days" if place == "filter" else "0, 30, days"
            raise self._fault(span, "an aggregate needs a time range", f"add a window: (..., {example})")
        if place == "filter" and window.end > 0:
            raise self._fault(
                window.span,
                f"a filter on entities may only look back (got an end of {window.end})",
                "use a window such as (-30, 0, days); what comes after the cut-off belongs to PREDICT or ASSUMING",
            )
        if place != "filter" and (window.start is None or window.start < 0):
            word = "a target" if place == "target" else "ASSUMING"
            start = "-INF" if window.start is None else window.start
            raise self._fault(
                window.span,
                f"the window of {word} starts at the cut-off or later (got {start})",
                "put the condition on the past after FOR EACH ... WHERE",
            )

    def _result_kind(self, aggregate: Aggregate) -> Kind:
        if aggregate.function in _NUMERIC_RESULT:
            return "number"
        return self._names.kind(self._names.column(aggregate.column))

    def _task(self, target: Operand | Condition) -> Task:
        if not isinstance(target, ColumnRef | Aggregate):
            return "binary"
        if isinstance(target, Aggregate) and target.function in _NUMERIC_RESULT:
            return "regression"
        ref = target.column if isinstance(target, Aggregate) else target
        column = self._names.column(ref)
        kind = self._names.kind(column)
        if kind in ("number", "boolean") and column.semantic_type is not SemanticType.CATEGORICAL:
            return "regression"
        if column.semantic_type is SemanticType.CATEGORICAL or kind == "boolean":
            return "multiclass"
        raise self._fault(
            target.span,
            f"`{ref}` is {column.semantic_type.value} and cannot be predicted",
            "predict a numerical or categorical column, or a comparison",
        )

    def _refuse_unfit_spec(self, task: Task) -> None:
        query = self._query
        if query.top is not None and query.mode != "RANK":
            raise self._fault(query.spec_span, "TOP k goes with RANK", "write RANK TOP k")
        if query.num_timeframes is not None:
            raise self._fault(query.spec_span, "FORECAST is not possible yet", "ask for one window at a time")
        if query.mode:
            raise self._fault(
                query.spec_span, f"{query.mode} goes with LIST_DISTINCT (got a {task} target)", "leave it out"
            )
