"""IAM policy documents as frozen values: statements in, JSON out.

A statement that allows must name its actions in full; a wildcard is refused at construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pulumi

VERSION = "2012-10-17"


class Effect(Enum):
    """What a statement does."""

    ALLOW = "Allow"
    DENY = "Deny"


class PrincipalKind(Enum):
    """What sort of name a principal is."""

    AWS = "AWS"
    SERVICE = "Service"
    FEDERATED = "Federated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Principals:
    """Who a resource's policy or a role's trust speaks of."""

    kind: PrincipalKind
    names: Sequence[pulumi.Input[str]]
    """ARNs, service domains or provider ARNs."""

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("principals: (got none); allowed is one or more")


EVERYONE = Principals(kind=PrincipalKind.AWS, names=("*",))
"""The star: for statements that deny, or that a condition narrows, as a VPC endpoint's policy must."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One test of the request, e.g. `StringEquals` `aws:RequestedRegion` of one value."""

    operator: str
    key: str
    values: Sequence[pulumi.Input[str]]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"condition {self.operator} {self.key}: needs a value (got none)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One rule."""

    sid: str
    actions: Sequence[str]
    """In full, e.g. `s3:GetObject`; a wildcard only where the statement denies, or a whole service where it limits."""
    resources: Sequence[pulumi.Input[str]] = ()
    """ARNs; none in a trust policy."""
    effect: Effect = Effect.ALLOW
    principals: Principals | None = None
    """Of a resource's policy or a trust; None in a role's own policy."""
    conditions: Sequence[Condition] = ()
    limits: bool = False
    """Whether the document gives nobody a right but bounds those that roles have, as a VPC endpoint's policy does."""

    def __post_init__(self) -> None:
        if not self.sid.isalnum():
            raise ValueError(f"sid: (got {self.sid!r}); allowed are letters and digits")
        if not self.actions:
            raise ValueError(f"{self.sid}: needs an action (got none)")
        if self.effect is Effect.ALLOW:
            self._check_allowed()

    def _check_allowed(self) -> None:
        if self.limits and not self.conditions:
            raise ValueError(f"{self.sid}: conditions (got none); allowed are one or more where a statement limits")
        for action in self.actions:
            if self.limits and action.endswith(":*") and action.count("*") == 1:
                continue
            if "*" in action or "?" in action or ":" not in action:
                raise ValueError(f"{self.sid}: action (got {action!r}); allowed is a full `service:Action`")
        star = self.principals is not None and "*" in [n for n in self.principals.names if isinstance(n, str)]
        if star and not self.conditions:
            raise ValueError(f"{self.sid}: principal (got '*'); allowed are named principals, or '*' with a condition")

    def body(self) -> dict[str, Any]:
        """The statement as IAM writes it; leaves may be unknown until deployment."""
        body: dict[str, Any] = {"Sid": self.sid, "Effect": self.effect.value, "Action": list(self.actions)}
        if self.principals:
            body["Principal"] = _principal(self.principals)
        if self.resources:
            body["Resource"] = list(self.resources)
        if self.conditions:
            body["Condition"] = _conditions(self.conditions)
        return body


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyDocument:
    """Statements that hold together."""

    statements: Sequence[Statement]

    def __post_init__(self) -> None:
        sids = [statement.sid for statement in self.statements]
        if not sids:
            raise ValueError("statements: (got none); allowed is one or more")
        repeated = sorted({sid for sid in sids if sids.count(sid) > 1})
        if repeated:
            raise ValueError(f"sid: (got {', '.join(repeated)} more than once); allowed is each once")

    def body(self) -> dict[str, Any]:
        """The document as IAM writes it; leaves may be unknown until deployment."""
        return {"Version": VERSION, "Statement": [statement.body() for statement in self.statements]}

    def json(self) -> pulumi.Output[str]:
        """The document as text, once every part of it is known."""
        return pulumi.Output.json_dumps(self.body())


def _principal(principals: Principals) -> str | dict[str, Any]:
    """The star stands alone: IAM reads {"AWS": "*"} as the same, and some scanners do not."""
    return "*" if principals == EVERYONE else {principals.kind.value: list(principals.names)}


def _conditions(conditions: Sequence[Condition]) -> dict[str, dict[str, Any]]:
    """Operator -> key -> values; a pair that repeats would silently drop the first, so it is refused."""
    body: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        keys = body.setdefault(condition.operator, {})
        if condition.key in keys:
            raise ValueError(f"condition: (got {condition.operator} {condition.key} twice); allowed is once")
        keys[condition.key] = list(condition.values)
    return body
