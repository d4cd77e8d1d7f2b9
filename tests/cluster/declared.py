"""What a captured stack declares in Kubernetes: its objects and chart releases, in order of creation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.capture.resource import Resource, creation_order
from stacks.capture.run import Capture
from stacks.capture.values import Value, holds_unknown, reveal

RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A chart that the stack installs."""

    resource: str
    """The Pulumi resource's name."""
    after: frozenset[str] = field(default=frozenset(), repr=False)
    """Names of the charts and objects that exist before it and outlive it."""
    chart: str
    """Last part of the chart's reference."""
    version: str
    name: str
    namespace: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredObject:
    """One Kubernetes object."""

    resource: str
    """The Pulumi resource's name."""
    after: frozenset[str] = field(default=frozenset(), repr=False)
    """Names of the charts and objects that exist before it and outlive it."""
    content: Mapping[str, Any]


Declared = Release | DeclaredObject


def declared(capture: Capture) -> list[Declared]:
    """In order of creation; components, providers and what is not of Kubernetes are left out."""
    after: dict[str, frozenset[str]] = {}
    found: list[Declared] = []
    for resource in creation_order(capture.resources):
        # Those before it, and those before them: what lies between may be no object.
        after[resource.urn] = _union(after.get(urn, frozenset()) for urn in resource.waits_for)
        if resource.custom and resource.type.startswith("kubernetes:") and not resource.read:
            make = _release if resource.type == RELEASE else _object
            found.append(make(resource, after[resource.urn]))
            after[resource.urn] |= {resource.name}
    names = [item.resource for item in found]
    assert len(set(names)) == len(names), "two resources have one name"
    return found


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _object(resource: Resource, after: frozenset[str]) -> DeclaredObject:
    content = _plain(resource)
    assert isinstance(content.get("metadata"), dict), f"{resource.name} ({resource.type}) has no metadata"
    # Pulumi gives an object without a name one that begins with the resource's.
    content["metadata"].setdefault("name", f"{resource.name}-0a1b2c3d")
    return DeclaredObject(resource=resource.name, after=after, content=content)


def _release(resource: Resource, after: frozenset[str]) -> Release:
    inputs = _plain(resource)
    return Release(
        resource=resource.name,
        after=after,
        chart=str(inputs["chart"]).rpartition("/")[2],
        version=str(inputs["version"]),
        name=str(inputs["name"]),
        namespace=str(inputs["namespace"]),
        values=inputs.get("values", {}),
    )


def _plain(resource: Resource) -> dict[str, Any]:
    """The inputs as a provider receives them."""
    for key, value in resource.inputs.items():
        assert not holds_unknown(value), f"{resource.name} ({resource.type}): `{key}` is not known in an update"
    return {key: _without_none(reveal(value)) for key, value in resource.inputs.items() if value is not None}


def _without_none(value: Value) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_none(inner) for inner in value]
    return value
