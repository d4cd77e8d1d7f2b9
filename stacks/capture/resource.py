"""What a program declared: one frozen record a resource, and the orders in which an engine creates and deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from stacks.capture.values import Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The resource options that change what an engine does."""

    protect: bool = False
    retain_on_delete: bool = False
    provider: str = ""
    """`<urn>::<id>` of the provider instance; empty for components and default providers."""
    aliases: tuple[str, ...] = ()
    """Earlier names, or URNs where the alias is a URN."""
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    deleted_with: str = ""
    """URN of the resource whose deletion deletes this one too."""
    import_id: str = ""
    version: str = ""
    """Version of the provider's package."""
    timeouts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One registration as the engine would receive it."""

    urn: str
    type: str
    """Token, e.g. `aws:s3/bucket:Bucket`."""
    name: str
    parent: str
    """URN of the parent; empty for the stack itself."""
    custom: bool
    """True where a provider manages it, False for a component."""
    remote: bool = False
    """True for a component that a provider plugin constructs, e.g. `eks:index:Cluster`."""
    read: bool = False
    """True for an existing resource that is only read."""
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    depends_on: frozenset[str]
    """URNs of everything it waits for: explicit dependencies and those of its inputs."""
    property_dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    options: Options = Options()
    registered_outputs: Mapping[str, Value] | None = None
    """What `register_outputs` was given; None where a component never called it."""

    @property
    def waits_for(self) -> frozenset[str]:
        """URNs that exist before this one and outlive it: dependencies, parent, provider."""
        provider = self.options.provider.rpartition("::")[0]
        return self.depends_on | {urn for urn in (self.parent, provider, self.options.deleted_with) if urn}


def creation_order(resources: Iterable[Resource]) -> list[Resource]:
    """Resources with everything after what it waits for; deletion is the reverse. Raises `graphlib.CycleError`."""
    by_urn = {resource.urn: resource for resource in resources}
    graph = {urn: sorted(resource.waits_for & by_urn.keys()) for urn, resource in by_urn.items()}
    return [by_urn[urn] for urn in TopologicalSorter(graph).static_order()]
