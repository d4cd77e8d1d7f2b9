"""A parsed query meets the graph: names are looked up, windows and types are checked, the task is told."""

from dataclasses import replace

from model.errors import UserError
from model.graph import Column, Graph, Link, SemanticType, Table
from model.query.bound import BoundQuery, horizon_ns, window_start_ns
from model.query.fault import fault
from model.query.fit import Place, refuse_unfit_column, refuse_unfit_window
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
    comparisons,
)
from model.query.task import NUMERIC_RESULT, task_of


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
        task = task_of(query, target, self._names)
        if query.assuming is not None and not found:
            raise self._fault(
                query.assuming_span,
                "ASSUMING goes with an aggregate over time (got a column of the entity)",
                "put the condition after FOR EACH ... WHERE",
            )
        num_timeframes = query.num_timeframes or 1
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
            top=query.top,
            num_timeframes=query.num_timeframes,
            item_table=self._item_table(target) if task == "link" else None,
            is_static=not found,
            horizon_ns=max(
                [horizon_ns(a.window, num_timeframes) for a in found]
                + [horizon_ns(a.window) for a in aggregates(assuming)],
                default=0,
            ),
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
            return self._future_value(target)
        if aggregates(target) and columns(target):
            raise self._fault(
                columns(target)[0].span,
                "a target mixes a column of the entity with an aggregate over time",
                "put the condition on the entity after FOR EACH ... WHERE",
            )
        return self._condition(target, "target")

    def _future_value(self, aggregate: Aggregate) -> Operand | Condition:
        """A bare aggregate; one row's value of a boolean column is the condition that it is true."""
        bound = self._aggregate(aggregate, "target")
        if bound.function in ("FIRST", "LAST", "MIN", "MAX") and self._result_kind(bound) == "boolean":
            return Comparison(operand=bound, operator="=", value=True, span=aggregate.span)
        return bound

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
            if operand.function == "LIST_DISTINCT":
                raise self._fault(
                    operand.span,
                    "LIST_DISTINCT is a target of its own and cannot be compared",
                    "ask for one item: EXISTS(... WHERE ...), or how many: COUNT_DISTINCT(...)",
                )
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
        bound = replace(aggregate, link_column=link.child_column)
        refuse_unfit_column(self._query.text, bound, table, self._names)
        refuse_unfit_window(self._query.text, bound, table, place)
        if aggregate.where is None:
            return bound
        where = self._nested(aggregate.where, table)
        if place == "target":
            self._note_entity_filter(where, link)
        return replace(bound, where=where)

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
                "an aggregate inside an aggregate is not possible",
                "filter by columns of the row, or by a second aggregate after FOR EACH ... WHERE",
            )
        ref = self._names.row_column(condition.operand, table)
        refuse_clash(self._query.text, condition, self._names.kind(self._names.column(condition.operand)))
        return replace(condition, operand=ref)

    def _result_kind(self, aggregate: Aggregate) -> Kind:
        if aggregate.function in NUMERIC_RESULT:
            return "number"
        return self._names.kind(self._names.column(aggregate.column))

    def _item_table(self, target: Operand | Condition) -> str:
        assert isinstance(target, Aggregate), "only a LIST_DISTINCT is a link target"
        ref = target.column
        links = self._names.graph.parents(ref.table)
        return next(link.parent_table for link in links if link.child_column == ref.column)

    def _note_entity_filter(self, where: Condition, link: Link) -> None:
        """A WHERE on the entity inside the target keeps entities that do not fulfil it, with an empty window."""
        refs = [leaf.operand for leaf in comparisons(where) if isinstance(leaf.operand, ColumnRef)]
        if refs and all(ref.table == self._entity.name and ref.via == link.child_column for ref in refs):
            text = self._query.text[refs[0].span.start : max(leaf.span.end for leaf in comparisons(where))]
            self._names.notes.append(
                f"the WHERE inside the target filters entities, which stay in the table with an empty window: to leave "
                f"them out write FOR EACH {self._entity.name}.{self._entity.primary_key} WHERE {text}"
            )
