"""What the platform's own pods request: exported by the program, so that a plan sees whether they fit."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

import pulumi

from infra.pods import PodRequests
from stacks.capture.values import Value

OUTPUT = "system_pods"


def export_system_pods(requests: Iterable[PodRequests]) -> None:
    """Make the requests an output of this stack."""
    pulumi.export(OUTPUT, [asdict(request) for request in requests])


def system_pods_of(outputs: Mapping[str, Value]) -> tuple[PodRequests, ...] | None:
    """The requests that a captured program exported; None where it exported none."""
    found = outputs.get(OUTPUT)
    if not isinstance(found, list | tuple):
        return None
    return tuple(_read(entry) for entry in found)


def _read(entry: Value) -> PodRequests:
    assert isinstance(entry, Mapping), entry
    name, cpu, memory = entry["name"], entry["cpu_millicores"], entry["memory_mib"]
    count, per_node = entry["count"], entry["per_node"]
    assert isinstance(name, str), entry
    assert isinstance(cpu, int), entry
    assert isinstance(memory, int), entry
    assert isinstance(count, int), entry
    assert isinstance(per_node, bool), entry
    return PodRequests(name=name, cpu_millicores=cpu, memory_mib=memory, count=count, per_node=per_node)
