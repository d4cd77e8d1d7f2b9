"""One place of a stack changed: a part of a resource put, taken away or made unknown, or a whole resource."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, Final

from infra.policies.judged import Judged, Options

Step = str | int
Path = tuple[Step, ...]
Change = Callable[[Sequence[Judged]], tuple[Judged, ...]]


class Gone:
    """Stands for a part that is taken away."""


GONE: Final = Gone()


def put(resource: Judged, path: Path, value: Any) -> Change:
    """Another value at a path of one resource's inputs."""
    return _change(resource, lambda one: _put(one, path, value))


def drop(*resources: Judged) -> Change:
    """Without these resources."""
    gone = {resource.urn for resource in resources}
    return lambda stack: tuple(one for one in stack if one.urn not in gone)


def add(*resources: Judged) -> Change:
    """With these resources too."""
    return lambda stack: (*stack, *resources)


def bare(resource: Judged) -> Change:
    """One resource without any of its options."""
    return _change(resource, lambda one: replace(one, options=Options()))


def after(*changes: Change) -> Change:
    """One change after the other."""
    return lambda stack: reduce(lambda changed, change: change(changed), changes, tuple(stack))


def _change(resource: Judged, change: Callable[[Judged], Judged]) -> Change:
    def changed(stack: Sequence[Judged]) -> tuple[Judged, ...]:
        assert any(one.urn == resource.urn for one in stack), f"{resource.urn} is not in the stack"
        return tuple(change(one) if one.urn == resource.urn else one for one in stack)

    return changed


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every path into a value, the outer before the inner."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def _put(resource: Judged, path: Path, value: Any) -> Judged:
    if not path:
        return replace(resource, inputs=value)
    inputs: Any = copy.deepcopy(dict(resource.inputs))
    place = inputs
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if value is GONE:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return replace(resource, inputs=inputs)
