"""What a change of tier would change: resources, their inputs, the bill and what is answered within the goal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stacks.capture.resource import Resource
from stacks.capture.values import Secret, Value
from stacks.plan.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class InputChange:
    """One input of one resource."""

    resource: str
    """Pulumi's name."""
    type: str
    path: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """From one plan to another."""

    added: tuple[Resource, ...]
    removed: tuple[Resource, ...]
    changed: tuple[InputChange, ...]


def compare(before: Plan, after: Plan) -> Comparison:
    """What the second plan has that the first has not, and the other way round."""
    old = {resource.urn: resource for resource in before.capture.resources}
    new = {resource.urn: resource for resource in after.capture.resources}
    return Comparison(
        added=tuple(new[urn] for urn in sorted(new.keys() - old.keys())),
        removed=tuple(old[urn] for urn in sorted(old.keys() - new.keys())),
        changed=tuple(change for urn in sorted(old.keys() & new.keys()) for change in _changes(old[urn], new[urn])),
    )


def _changes(old: Resource, new: Resource) -> Iterator[InputChange]:
    before, after = dict(_leaves(old.inputs, "")), dict(_leaves(new.inputs, ""))
    for path in [*before, *(path for path in after if path not in before)]:
        if before.get(path) != after.get(path):
            yield InputChange(
                resource=new.name,
                type=new.type,
                path=path,
                before=before.get(path, "nothing"),
                after=after.get(path, "nothing"),
            )


def _leaves(value: Value, path: str) -> Iterator[tuple[str, str]]:
    """Path -> value in words; a secret is never shown, only that it is one."""
    if isinstance(value, Secret):
        yield path, "a secret"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{position}]")
    else:
        yield path, str(value)
