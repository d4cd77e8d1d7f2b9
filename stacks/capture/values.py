"""The engine's wire values as plain Python: a protobuf struct to a dictionary with `UNKNOWN` and `Secret`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from infra.policies.judged import UNKNOWN, Unknown

if TYPE_CHECKING:
    from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine encrypts in its state and masks in what it prints."""

    value: Value

    def __repr__(self) -> str:
        return "Secret(***)"


Value: TypeAlias = (
    "bool | int | float | str | Unknown | Secret | list[Value] | tuple[Value, ...] | Mapping[str, Value] | None"
)


def from_struct(struct: struct_pb2.Struct) -> dict[str, Value]:
    """A protobuf struct as Python; whole numbers become `int`, since the wire knows only doubles."""
    return {key: _from_wire(value) for key, value in json_format.MessageToDict(struct).items()}


def to_struct(values: Mapping[str, Value]) -> struct_pb2.Struct:
    """Python values as the protobuf struct that the SDK reads."""
    struct = struct_pb2.Struct()
    json_format.ParseDict({key: _to_wire(value) for key, value in values.items()}, struct)
    return struct


def reveal(value: Value) -> Value:
    """The value with every secret opened, for checks of what reaches a provider."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(inner) for inner in value]
    return value


def holds_unknown(value: Value) -> bool:
    """Whether any part of the value is not known yet."""
    if isinstance(value, Secret):
        return holds_unknown(value.value)
    if isinstance(value, Mapping):
        return any(holds_unknown(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(holds_unknown(inner) for inner in value)
    return value is UNKNOWN


def _from_wire(value: object) -> Value:
    if isinstance(value, dict):
        signature = value.get(rpc._special_sig_key)
        if signature == rpc._special_secret_sig:
            return Secret(_from_wire(value["value"]))
        if signature == rpc._special_resource_sig:
            return str(value["urn"])
        return {key: _from_wire(inner) for key, inner in value.items() if key != rpc._special_sig_key}
    if isinstance(value, list):
        return [_from_wire(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value == rpc.UNKNOWN:
        return UNKNOWN
    assert value is None or isinstance(value, bool | int | float | str), value
    return value


def _to_wire(value: Value) -> object:
    if isinstance(value, Secret):
        return {rpc._special_sig_key: rpc._special_secret_sig, "value": _to_wire(value.value)}
    if isinstance(value, Mapping):
        return {key: _to_wire(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_to_wire(inner) for inner in value]
    return rpc.UNKNOWN if value is UNKNOWN else value
