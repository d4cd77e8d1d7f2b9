"""IAM policy documents (JSON text) as statements with lists in every place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.policies.judged import UNKNOWN, Unknown, Value, at, has_unknown, items, parse_json

READING: Final = ("Describe", "Get", "List", "BatchGet", "Check", "Lookup")
"""How the names of actions that change nothing begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement of a policy document."""

    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    """Kind (`AWS`, `Federated`, `Service`) -> who; a bare `*` stands under `AWS`."""
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Operator -> key -> values."""


def statements(text: Value) -> tuple[Statement, ...] | Unknown:
    """The statements of a document; none where it is no document, UNKNOWN where it is not known yet."""
    document = parse_json(text)
    if has_unknown(document):
        return UNKNOWN
    return tuple(_statement(raw) for raw in items(at(document, "Statement")) if isinstance(raw, Mapping))


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(str(item) for item in items(value))


def _statement(raw: Mapping[str, Value]) -> Statement:
    principal = raw.get("Principal")
    by_kind = principal if isinstance(principal, Mapping) else {"AWS": principal} if principal else {}
    conditions = raw.get("Condition") or {}
    return Statement(
        allows=raw.get("Effect") == "Allow",
        actions=_texts(raw.get("Action")),
        not_actions=_texts(raw.get("NotAction")),
        resources=_texts(raw.get("Resource")),
        not_resources=_texts(raw.get("NotResource")),
        principals={kind: _texts(who) for kind, who in by_kind.items()},
        conditions={
            operator: {key: _texts(values) for key, values in keys.items()} for operator, keys in conditions.items()
        },
    )


def only_reads(action: str) -> bool:
    """Whether an action (`s3:GetObject`, `ec2:Describe*`) changes nothing."""
    return action.partition(":")[2].startswith(READING)


def condition_values(statement: Statement, key: str) -> tuple[tuple[str, str], ...]:
    """(operator, value) of every condition on a key, whose case counts for nothing."""
    return tuple(
        (operator, value)
        for operator, keys in statement.conditions.items()
        for name, values in keys.items()
        if name.lower() == key.lower()
        for value in values
    )
