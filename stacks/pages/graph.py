"""A captured program as a graph of its parts: which component needs which, without what follows from another need."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from stacks.capture.resource import Resource
from stacks.capture.run import Capture

ROLE = "stillhouse:identity:WorkloadRole"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A component that the program itself makes."""

    name: str
    """Pulumi's name."""
    type: str
    num_resources: int
    """That a provider manages, in it and in what it is made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """Parts and needs."""

    parts: tuple[Part, ...]
    """Every part after what it needs."""
    needs: Mapping[str, frozenset[str]]
    """Part -> the parts that it needs directly; a need that follows from another is left out."""

    def layers(self) -> list[list[str]]:
        """Parts by the length of the longest way down: the first layer needs nothing."""
        depth: dict[str, int] = {}
        for part in self.parts:
            depth[part.name] = 1 + max((depth[need] for need in self.needs[part.name]), default=-1)
        return [
            [part.name for part in self.parts if depth[part.name] == layer]
            for layer in range(max(depth.values(), default=-1) + 1)
        ]


def graph_of(capture: Capture) -> Graph:
    """The parts of a captured program and what they need of each other; a role is part of the one that takes it on."""
    known = {resource.urn: resource for resource in capture.resources}
    home = {urn: _top(resource, known) for urn, resource in known.items()}
    home |= {urn: taken for urn in home if (taken := _taker(home[urn], home, known))}
    parts = {urn for urn in home.values() if not known[urn].custom}
    needs: dict[str, set[str]] = {urn: set() for urn in parts}
    for urn, resource in known.items():
        if home[urn] in parts:
            wanted = {home[other] for other in resource.waits_for & known.keys()}
            needs[home[urn]] |= (wanted & parts) - {home[urn]}
    order = list(TopologicalSorter({urn: sorted(needs[urn]) for urn in sorted(needs)}).static_order())
    reduced = _reduced(needs, order)
    managed = [
        home[urn] for urn, resource in known.items() if (resource.custom or resource.remote) and not resource.read
    ]
    return Graph(
        parts=tuple(
            Part(name=known[urn].name, type=known[urn].type, num_resources=managed.count(urn)) for urn in order
        ),
        needs={known[urn].name: frozenset(known[other].name for other in reduced[urn]) for urn in order},
    )


def _top(resource: Resource, known: Mapping[str, Resource]) -> str:
    while resource.parent in known:
        resource = known[resource.parent]
    return resource.urn


def _taker(urn: str, home: Mapping[str, str], known: Mapping[str, Resource]) -> str | None:
    """The only part that waits for a workload's role; None for what is no such role."""
    if known[urn].type != ROLE:
        return None
    inside = {other for other, top in home.items() if top == urn}
    takers = {home[other] for other, resource in known.items() if resource.waits_for & inside} - {urn}
    return next(iter(takers)) if len(takers) == 1 else None


def _reduced(needs: Mapping[str, set[str]], order: list[str]) -> dict[str, set[str]]:
    """Without the needs that another need already implies."""
    below: dict[str, set[str]] = {}
    reduced: dict[str, set[str]] = {}
    for urn in order:
        implied = {deeper for need in needs[urn] for deeper in below[need]}
        reduced[urn] = needs[urn] - implied
        below[urn] = needs[urn] | implied
    return reduced
