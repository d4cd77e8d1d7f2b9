"""What a rule of the bill may look at besides its own resource."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stacks.capture.resource import Resource
from stacks.capture.run import Capture
from stacks.capture.values import Value, reveal
from stacks.settings.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The whole program and its settings; settings give the assumed usage and how full the pools are."""

    capture: Capture
    settings: Settings

    def needed_by(self, resource: Resource, token: str) -> Resource | None:
        """The resource of a type that this one waits for, directly."""
        found = [other for other in self.capture.of_type(token) if other.urn in resource.depends_on]
        return found[0] if found else None


def at(value: Value, *path: str | int) -> Value:
    """The value at a path of keys and indices, secrets opened; None where there is none."""
    here = reveal(value)
    for step in path:
        if isinstance(here, Mapping) and isinstance(step, str):
            here = here.get(step)
        elif isinstance(here, list | tuple) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return None
    return here


def number(value: Value, *path: str | int, default: float | None = None) -> float:
    """A number at a path; also one that is written as text."""
    found = at(value, *path)
    if isinstance(found, int | float | str) and not isinstance(found, bool):
        return float(found)
    assert default is not None, (path, found)
    return default


def mappings(value: Value) -> Iterator[Mapping[str, Value]]:
    """Every mapping inside, itself first."""
    here = reveal(value)
    if isinstance(here, Mapping):
        yield here
        for inner in here.values():
            yield from mappings(inner)
    elif isinstance(here, list | tuple):
        for inner in here:
            yield from mappings(inner)
