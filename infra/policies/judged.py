"""What a rule sees of a resource: type, name, inputs as plain Python and the options that matter.

An input that is known only after the update is `UNKNOWN`, wherever it lies; a rule never takes it for a violation.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NoReturn


class Unknown(Enum):
    """The type of `UNKNOWN`, so that type checkers can tell it from a value."""

    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        """Neither true nor false: a rule that would branch on it is wrong."""
        raise TypeError("an unknown value has no truth; ask `is UNKNOWN` first")


UNKNOWN: Final = Unknown.UNKNOWN
Value = Any
"""An input or a part of one: None, a number, a text, a list, a mapping by text, or UNKNOWN."""
Maybe = bool | Unknown
"""True, false, or not to be told before the update."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The resource options that rules look at."""

    protect: bool = False
    """Pulumi refuses to delete the resource."""
    retain_on_delete: bool | None = None
    """Pulumi forgets the resource without deleting it; None where the engine does not tell."""
    parent: str | None = None
    """URN of the component that holds the resource."""
    depends_on: tuple[str, ...] = ()
    """URNs of what the resource waits for: named by the program, or by an output among its inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One resource of a stack, as its program declares it."""

    type: str
    """Type token, e.g. `aws:s3/bucket:Bucket` or `kubernetes:core/v1:Namespace`."""
    name: str
    """Pulumi's name, not the cloud's."""
    urn: str
    inputs: Mapping[str, Value]
    """Inputs by the provider's names (camel case), secrets opened, unknown ones `UNKNOWN`."""
    options: Options = Options()

    @property
    def kind(self) -> str:
        """The type without its version: `networking.istio.io:Gateway`; for other providers the token itself."""
        provider, _, rest = self.type.partition(":")
        if provider != "kubernetes" or ":" not in rest:
            return self.type
        group, _, kind = rest.partition(":")
        return f"{group.split('/')[0]}:{kind}"


def at(value: Value, *path: str | int) -> Value:
    """The value at a path of keys and indices; None where there is none, UNKNOWN where that cannot be told."""
    for step in path:
        if value is UNKNOWN or value is None:
            return value
        if isinstance(step, int):
            inside = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > step
        else:
            inside = isinstance(value, Mapping) and step in value
        if not inside:
            return None
        value = value[step]
    return value


def items(value: Value) -> list[Value]:
    """The elements of a list; none of None, and one UNKNOWN of an unknown list."""
    if value is None:
        return []
    if value is UNKNOWN:
        return [UNKNOWN]
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def has_unknown(value: Value) -> bool:
    """Whether UNKNOWN lies anywhere inside."""
    if isinstance(value, Mapping):
        return any(has_unknown(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(inner) for inner in value)
    return value is UNKNOWN


def both(*outcomes: Maybe) -> Maybe:
    """Whether all hold; false as soon as one does not."""
    if any(outcome is False for outcome in outcomes):
        return False
    return UNKNOWN if UNKNOWN in outcomes else True


def either(outcomes: Iterable[Maybe]) -> Maybe:
    """Whether one holds; true as soon as one does."""
    outcomes = list(outcomes)
    if any(outcome is True for outcome in outcomes):
        return True
    return UNKNOWN if UNKNOWN in outcomes else False


def negate(outcome: Maybe) -> Maybe:
    """The contrary; unknown stays unknown."""
    return UNKNOWN if outcome is UNKNOWN else not outcome


def parse_json(text: Value) -> Value:
    """A policy document as Python; None where it is none, UNKNOWN where it is not known yet."""
    if text is UNKNOWN or isinstance(text, Mapping):
        return text
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
