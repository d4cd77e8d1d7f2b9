# ruff: noqa: D102 -- every method is the grammar's rule of that name
"""The tree that the parser makes of a query becomes a `PredictiveQuery`."""

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from lark import Token, Transformer, Tree, v_args
from lark.tree import Meta

from model.query.fault import fault
from model.query.syntax import (
    UNIT_NS,
    Aggregate,
    ColumnRef,
    Comparison,
    Condition,
    Constant,
    Function,
    Junction,
    Negation,
    Operand,
    Operator,
    PredictiveQuery,
    Scalar,
    Span,
    Unit,
    Window,
)

_LARGEST = 10**300
_FURTHEST_NS = 200 * 365 * UNIT_NS["day"]


@dataclass(frozen=True, slots=True)
class _By:
    column: ColumnRef


@dataclass(frozen=True, slots=True)
class _Where:
    condition: Condition


@dataclass(frozen=True, slots=True)
class _Spec:
    mode: Literal["", "RANK", "CLASSIFY"]
    top: int | None
    num_timeframes: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class _Entity:
    column: ColumnRef
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class _Fixed:
    operator: Operator
    value: Constant
    span: Span


@dataclass(frozen=True, slots=True)
class _Assuming:
    condition: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class _Target:
    node: Operand | Condition
    span: Span


@v_args(meta=True)
class Builder(Transformer[Token, Any]):
    """Turns the parser's tree into a `PredictiveQuery`: one method a rule of the grammar, children already built."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def build(self, tree: Tree[Token]) -> PredictiveQuery:
        """The query; a VisitError wraps the UserError of a mistake."""
        return cast(PredictiveQuery, self.transform(tree))

    def start(self, meta: Meta, children: list[Any]) -> PredictiveQuery:
        target, spec, entity, *rest = children
        return PredictiveQuery(
            text=self._text,
            target=target.node,
            target_span=target.span,
            mode=spec.mode,
            top=spec.top,
            num_timeframes=spec.num_timeframes,
            spec_span=spec.span,
            entity=entity.column,
            entity_filter=entity.condition,
            assuming=rest[0].condition if rest else None,
            assuming_span=rest[0].span if rest else _span(meta),
        )

    def target(self, meta: Meta, children: list[Any]) -> _Target:
        return _Target(children[0], _span(meta))

    def spec(self, meta: Meta, children: list[Token]) -> _Spec:
        word = next((str(token).upper() for token in children if token.type != "NUMBER"), "")
        top = next((self._integer(token) for token in children if token.type == "NUMBER"), None)
        return _Spec(cast(Literal["", "RANK", "CLASSIFY"], word), top, None, _span(meta))

    def forecast(self, meta: Meta, children: list[Token]) -> _Spec:
        return _Spec("", None, self._integer(children[0]), _span(meta))

    def entity(self, meta: Meta, children: list[Any]) -> _Entity:
        column, *rest = children
        conditions: list[Condition] = []
        for part in rest:
            if isinstance(part, _Fixed):
                part = Comparison(operand=column, operator=part.operator, value=part.value, span=part.span)
            conditions.append(part)
        if len(conditions) == 2:
            return _Entity(column, Junction(word="AND", conditions=tuple(conditions)))
        return _Entity(column, conditions[0] if conditions else None)

    def fixed(self, meta: Meta, children: list[Any]) -> _Fixed:
        if len(children) == 1:
            return _Fixed("IN", children[0], _span(meta))
        operator = _operator(children[0])
        if operator != "=":
            raise fault(
                self._text, _token_span(children[0]), f"an entity is named by = or IN (got {children[0]})", "use WHERE"
            )
        return _Fixed("=", children[1], _span(meta))

    def assuming(self, meta: Meta, children: list[Any]) -> _Assuming:
        return _Assuming(children[0], _span(meta))

    def disjunction(self, meta: Meta, children: list[Any]) -> Junction:
        return Junction(word="OR", conditions=tuple(children))

    def conjunction(self, meta: Meta, children: list[Any]) -> Junction:
        return Junction(word="AND", conditions=tuple(children))

    def negated(self, meta: Meta, children: list[Any]) -> Negation:
        return Negation(condition=children[0])

    def compared(self, meta: Meta, children: list[Any]) -> Comparison:
        operand, token, value = children
        return self._compared(meta, operand, _operator(token), value, _token_span(token))

    def is_value(self, meta: Meta, children: list[Any]) -> Comparison:
        return self._compared(meta, children[0], "=", children[1], _span(meta))

    def is_not_value(self, meta: Meta, children: list[Any]) -> Comparison:
        return self._compared(meta, children[0], "!=", children[1], _span(meta))

    def _compared(self, meta: Meta, operand: Operand, operator: Operator, value: Scalar, place: Span) -> Comparison:
        if value is None:
            if operator not in ("=", "!="):
                raise fault(self._text, place, f"nothing is {operator} NULL", "use IS NULL or IS NOT NULL")
            operator = "IS NULL" if operator == "=" else "IS NOT NULL"
        return Comparison(operand=operand, operator=operator, value=value, span=_span(meta))

    def is_in(self, meta: Meta, children: list[Any]) -> Comparison:
        return Comparison(operand=children[0], operator="IN", value=children[1], span=_span(meta))

    def is_not_in(self, meta: Meta, children: list[Any]) -> Comparison:
        return Comparison(operand=children[0], operator="NOT IN", value=children[1], span=_span(meta))

    def matched(self, meta: Meta, children: list[Any], prefix: str = "") -> Comparison:
        operand, word, text = children
        operator = cast(Operator, prefix + " ".join(str(word).upper().split()))
        return Comparison(operand=operand, operator=operator, value=_unquote(text), span=_span(meta))

    def not_matched(self, meta: Meta, children: list[Any]) -> Comparison:
        return self.matched(meta, children, prefix="NOT ")

    def exists(self, meta: Meta, children: list[Any]) -> Comparison:
        counted = self._aggregate("COUNT", children, _span(meta))
        return Comparison(operand=counted, operator=">", value=0, span=_span(meta))

    def aggregate(self, meta: Meta, children: list[Any]) -> Aggregate:
        function, *rest = children
        return self._aggregate(cast(Function, str(function).upper()), rest, _span(meta))

    def _aggregate(self, function: Function, parts: list[Any], span: Span) -> Aggregate:
        column, *rest = parts
        return Aggregate(
            function=function,
            column=column,
            by=next((part.column for part in rest if isinstance(part, _By)), None),
            where=next((part.condition for part in rest if isinstance(part, _Where)), None),
            window=next((part for part in rest if isinstance(part, Window)), None),
            span=span,
        )

    def by(self, meta: Meta, children: list[Any]) -> _By:
        return _By(children[0])

    def where(self, meta: Meta, children: list[Any]) -> _Where:
        return _Where(children[0])

    def window(self, meta: Meta, children: list[Token]) -> Window:
        first, last, *unit = children
        span = Span(start=_token_span(first).start, end=_token_span(children[-1]).end)
        start = None if first.type == "BOUND" else self._integer(first)
        end = self._integer(last)
        if start is not None and start >= end:
            raise fault(
                self._text,
                span,
                f"a window must end after it starts (got {start} to {end})",
                "write (start, end, unit)",
            )
        name = cast(Unit, str(unit[0]).lower().rstrip("s") if unit else "day")
        if max(abs(start or 0), abs(end)) * UNIT_NS[name] > _FURTHEST_NS:
            raise fault(
                self._text, span, "this window reaches further than 200 years", "-INF reaches back to the first row"
            )
        return Window(start=start, end=end, unit=name, span=span)

    def column(self, meta: Meta, children: list[Token]) -> ColumnRef:
        return ColumnRef(table=_unquote(children[0]), column=_unquote(children[1]), span=_span(meta))

    def number(self, meta: Meta, children: list[Token]) -> Scalar:
        text = str(children[0])
        value = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
        if not -_LARGEST < value < _LARGEST:
            raise fault(self._text, _span(meta), "this number is too large", "numbers go up to 1e300")
        return value

    def string(self, meta: Meta, children: list[Token]) -> Scalar:
        return _unquote(children[0])

    def date(self, meta: Meta, children: list[Token]) -> Scalar:
        return str(children[0])

    def true(self, meta: Meta, children: list[Token]) -> Scalar:
        return True

    def false(self, meta: Meta, children: list[Token]) -> Scalar:
        return False

    def null(self, meta: Meta, children: list[Token]) -> Scalar:
        return None

    def array(self, meta: Meta, children: list[Any]) -> tuple[Scalar, ...]:
        return tuple(children)

    def _integer(self, token: Token) -> int:
        try:
            return int(token)
        except ValueError:
            raise fault(self._text, _token_span(token), f"this must be a whole number (got {token})") from None


def _operator(token: Token) -> Operator:
    return cast(Operator, {"<>": "!=", "==": "="}.get(str(token), str(token)))


def _unquote(token: Token) -> str:
    text = str(token)
    if text[:1] in ("'", '"'):
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def _span(meta: Meta) -> Span:
    return Span(start=0, end=1) if meta.empty else Span(start=meta.start_pos, end=meta.end_pos)


def _token_span(token: Token) -> Span:
    start = token.start_pos or 0
    return Span(start=start, end=token.end_pos or start + len(token))
