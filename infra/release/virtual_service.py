"""Arms with weights -> the body of an endpoint's VirtualService, the only object that a change of weight touches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.release.paths import ModelPath, model_paths

PORT = 80
"""Of the Service that KServe makes; it leads to the runtime's first port."""
VERSION_HEADER = "x-stillhouse-version"
"""Tells the caller which version answered."""
ARM_HEADER = "x-stillhouse-arm"
"""Names the version that must answer; the edge lets only testers send it."""
RETRY_ON = "connect-failure,refused-stream"
"""Only where no model has seen the request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A version that runs, and its share."""

    version: str
    host: pulumi.Input[str]
    """The version's Service."""
    weight: int
    """Percent; 0 keeps the version declared without traffic."""

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 100:
            raise ValueError(f"weight: (got {self.weight}); allowed are 0 to 100")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mirror:
    """A version that gets copies of requests and whose answers nobody gets."""

    host: pulumi.Input[str]
    percent: int
    """Of the requests that no header decides."""

    def __post_init__(self) -> None:
        if not 1 <= self.percent <= 100:
            raise ValueError(f"mirror: (got {self.percent} %); allowed are 1 to 100")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderRule:
    """Requests with this header and value get one version, in place of chance."""

    header: str
    value: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long the gateway waits, and how often it tries again."""

    timeout_ms: int = 5000
    """Of the whole request, attempts included."""
    retries: int = 2
    """Further attempts, each only after one that reached no model."""

    def __post_init__(self) -> None:
        if self.timeout_ms < 1 or not 0 <= self.retries <= 5:
            raise ValueError(f"patience: (got {self}); allowed are 1 ms and more, and 0 to 5 retries")


def virtual_service_spec(
    *,
    endpoint: str,
    hostname: pulumi.Input[str],
    gateway: pulumi.Input[str],
    arms: Sequence[Arm],
    patience: Patience,
    rules: Sequence[HeaderRule] = (),
    mirror: Mirror | None = None,
) -> dict[str, Any]:
    """Body of Istio's VirtualService; with no arms at all the endpoint answers 503.

    The first route that matches decides: a tester's choice, then the rules in their order, then chance.
    """
    check_weights(arms)
    by_version = {arm.version: arm for arm in arms}
    choices = [HeaderRule(header=ARM_HEADER, value=version, version=version) for version in by_version]
    strangers = [rule.version for rule in rules if rule.version not in by_version]
    if strangers:
        raise ValueError(f"rules: (got version {strangers[0]}); allowed are {', '.join(by_version)}")
    routes: list[dict[str, Any]] = []
    for path in model_paths(endpoint):
        for rule in (*choices, *rules):
            match = {**_match(path), "headers": {rule.header: {"exact": rule.value}}}
            name = f"{path.name}-{rule.header}-{rule.value}"
            routes.append({"name": name, "match": [match], **_split([by_version[rule.version]], patience)})
        answer = _split(arms, patience) if arms else {"directResponse": {"status": 503}}
        copy = _mirrored(mirror) if mirror and arms else {}
        routes.append({"name": path.name, "match": [_match(path)], **answer, **copy})
    return {"hosts": [hostname], "gateways": [gateway], "http": routes}


def check_weights(arms: Sequence[Arm]) -> None:
    """Refuse a split that is none."""
    total = sum(arm.weight for arm in arms)
    if arms and total != 100:
        raise ValueError(f"weights: (got {[arm.weight for arm in arms]}); allowed are shares that add up to 100")
    versions = [arm.version for arm in arms]
    if len(set(versions)) != len(versions):
        raise ValueError(f"arms: (got {versions}); allowed is each version once")


def _split(arms: Sequence[Arm], patience: Patience) -> dict[str, Any]:
    return {
        "route": [_destination(arm, arm.weight if len(arms) > 1 else 100) for arm in arms],
        "timeout": f"{patience.timeout_ms}ms",
        "retries": {"attempts": patience.retries, **({"retryOn": RETRY_ON} if patience.retries else {})},
        "headers": {"request": {"remove": [VERSION_HEADER]}},
    }


def _match(path: ModelPath) -> dict[str, Any]:
    return {"uri": {"exact": path.path}, "method": {"exact": path.method}}


def _mirrored(mirror: Mirror) -> dict[str, Any]:
    return {
        "mirrors": [
            {
                "destination": {"host": mirror.host, "port": {"number": PORT}},
                "percentage": {"value": mirror.percent},
            }
        ]
    }


def _destination(arm: Arm, weight: int) -> dict[str, Any]:
    return {
        "destination": {"host": arm.host, "port": {"number": PORT}},
        "weight": weight,
        "headers": {"response": {"set": {VERSION_HEADER: arm.version}}},
    }
