"""Values of requests -> the tensors of the V2 protocol, checked and trimmed by the payload contract.

Null: strict JSON has no NaN and Triton takes no `null`, so every missing value is sent as its type's stand-in
(`MISSING_INT64`, `MISSING_FP32`, the empty string) and all tensors are always there: Triton batches only requests
that have the same tensors.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from model.contract import (
    ANCHOR_TIME,
    MISSING_FP32,
    MISSING_INT64,
    Datatype,
    Interactions,
    PayloadContract,
    TensorSpec,
)
from model.errors import UserError

Value = str | bytes | int | float | bool | None
Wire = str | int | float
_LARGEST_FP32 = 3.4028234663852886e38


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestValues:
    """What an application knows at the moment of a prediction."""

    anchor_time_ns: int
    """Nanoseconds since the Unix epoch, UTC."""
    facts: Mapping[str, Value]
    """`{table}.{column}` -> value; a left-out fact is missing, but the embedding key must be there."""
    interactions: Mapping[str, Mapping[str, Sequence[Value]]]
    """Path -> column -> the values of its rows, in any order; a left-out path has no rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One input of a request, as the wire has it."""

    spec: TensorSpec
    shape: tuple[int, ...]
    data: Sequence[Wire]
    """Flat."""


def v2_body(contract: PayloadContract, values: RequestValues) -> dict[str, Any]:
    """The body of `POST /v2/models/{model_name}/infer`; its JSON is strict. See `request_tensors`."""
    return json_body(request_tensors(contract, [values]))


def json_body(tensors: Iterable[Tensor]) -> dict[str, Any]:
    """The tensors as the V2 protocol has them in JSON."""
    return {
        "inputs": [
            {
                "name": tensor.spec.name,
                "datatype": tensor.spec.datatype.value,
                "shape": list(tensor.shape),
                "data": list(tensor.data),
            }
            for tensor in tensors
        ]
    }


def request_tensors(contract: PayloadContract, items: Sequence[RequestValues]) -> list[Tensor]:
    """The tensors of one request about one or more entities.

    Rows without a time, after the anchor, or within the contract's `ignored_ns` before it are left out; then the newest
    `max_rows` are kept. Among several items the shorter histories are filled up with rows without a time, which the
    model ignores.

    Raises:
        UserError: no item, an unknown or missing name, a value of the wrong type, columns of unequal length.
    """
    if not items:
        raise UserError("a request is about one entity at least (got none)")
    for values in items:
        _check_item(contract, values)
    anchor = contract.tensor(ANCHOR_TIME)
    one_each = (len(items), 1)
    tensors = [Tensor(spec=anchor, shape=one_each, data=[_wire(anchor, values.anchor_time_ns) for values in items])]
    for spec in contract.facts():
        data = [_wire(spec, values.facts.get(spec.name)) for values in items]
        tensors.append(Tensor(spec=spec, shape=one_each, data=data))
    for history in contract.interactions:
        tensors += _history(contract, history, items)
    return tensors


def _check_item(contract: PayloadContract, values: RequestValues) -> None:
    _check_names(values.facts, [spec.name for spec in contract.facts()], "fact")
    _check_names(values.interactions, [history.path for history in contract.interactions], "path of interactions")
    if values.facts.get(contract.embedding_key) in (None, "", b""):
        raise UserError(
            f"`{contract.embedding_key}` is missing: it says whom the prediction is for",
            hint=f"give `{contract.embedding_key}` among the facts",
        )


def _history(contract: PayloadContract, history: Interactions, items: Sequence[RequestValues]) -> list[Tensor]:
    specs = contract.interaction_columns(history.path)
    rows = [_rows(contract, history, specs, values) for values in items]
    most = max(len(columns[0]) for columns in rows)
    tensors = []
    for column, spec in enumerate(specs):
        null = _wire(spec, None)
        data = [value for each in rows for value in (*each[column], *[null] * (most - len(each[column])))]
        tensors.append(Tensor(spec=spec, shape=(len(items), most, 1), data=data))
    return tensors


def _rows(
    contract: PayloadContract, history: Interactions, specs: Sequence[TensorSpec], values: RequestValues
) -> list[list[Wire]]:
    """The columns of one item's history, of the rows that count."""
    columns = values.interactions.get(history.path) or {spec.column: [] for spec in specs}
    names = [spec.column for spec in specs]
    _check_names(columns, names, f"column of `{history.path}`")
    if absent := [name for name in names if name not in columns]:
        raise UserError(f"`{history.path}:{absent[0]}` is missing; the rows need {', '.join(names)}")
    lengths = {name: len(columns[name]) for name in names}
    first = names[0]
    for name in names:
        if lengths[name] != lengths[first]:
            raise UserError(
                f"`{history.path}:{name}` has {lengths[name]} values, `{history.path}:{first}` has {lengths[first]}; "
                "all columns of one history need the same length"
            )
    time_spec = contract.tensor(history.time_tensor)
    times_ns = [_wire(time_spec, value) for value in columns[time_spec.column]]
    kept = _recent(times_ns, values.anchor_time_ns - history.ignored_ns, history.max_rows)
    return [[_wire(spec, columns[spec.column][row]) for row in kept] for spec in specs]


def _recent(times_ns: Sequence[Wire], upto_ns: int, max_rows: int) -> list[int]:
    """Positions of the newest rows at or before `upto_ns`; among equal times the later position counts as newer."""
    known = [row for row, time_ns in enumerate(times_ns) if time_ns != MISSING_INT64 and int(time_ns) <= upto_ns]
    return sorted(sorted(known, key=lambda row: (times_ns[row], row))[-max_rows:])


def _check_names(given: Iterable[str], allowed: Sequence[str], what: str) -> None:
    for name in given:
        if name not in allowed:
            near = get_close_matches(name, allowed, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"the model takes {', '.join(allowed) or 'none'}"
            raise UserError(f"unknown {what} `{name}`", hint=hint)


def _wire(spec: TensorSpec, value: Value) -> Wire:
    """One value as JSON carries it; `spec` names the place in the error."""
    try:
        return _CONVERT[spec.datatype](value)
    except (TypeError, ValueError) as error:
        raise UserError(f"`{spec.name}` takes {error} (got {value!r})") from error


def _int64(value: Value) -> Wire:
    if value is None:
        return MISSING_INT64
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or not -(2**63) <= int(value) < 2**63:
        raise TypeError("a whole number of 64 bits")
    return int(value)


def _fp32(value: Value) -> Wire:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING_FP32
    if not isinstance(value, (int, float)) or not abs(value) <= _LARGEST_FP32:
        raise TypeError("a finite number of 32 bits")
    return float(value)


def _bytes(value: Value) -> Wire:
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError("UTF-8") from error
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


_CONVERT: dict[Datatype, Callable[[Value], Wire]] = {
    Datatype.INT64: _int64,
    Datatype.FP32: _fp32,
    Datatype.BYTES: _bytes,
}
