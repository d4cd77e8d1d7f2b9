"""Whether the versions of a releases stack fit into the pools of workers that its platform allows."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.nodes.instance_types import instance_type
from infra.policies.rule import Finding, Level
from stacks.bill.context import at, number
from stacks.bill.quantities import cores, gib
from stacks.capacity import Pool
from stacks.capture.resource import Resource
from stacks.capture.run import Capture
from stacks.capture.values import Value
from stacks.settings.settings import Settings

SERVICE = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
GPU = "nvidia.com/gpu"
USABLE = 0.9
"""Share of a node's cores and memory that is left for predictors, beside the kubelet and the pods of every node."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the versions on one pool need of it, in nodes; at least, since pods may not pack perfectly."""

    pool: Pool
    minimum: int
    """With every version at its fewest pods."""
    maximum: int
    """With every version at its most pods, at the same time."""
    limit: int
    """Nodes that the pool may have."""


def asked_of(capture: Capture, settings: Settings) -> tuple[Asked, ...]:
    """What a captured releases program asks of each pool of its platform."""
    by_pool: dict[Pool, list[Resource]] = {}
    for service in capture.of_type(SERVICE):
        pool: Pool = "gpu" if at(_requests(service), GPU) else "cpu"
        by_pool.setdefault(pool, []).append(service)
    return tuple(_asked(pool, services, settings) for pool, services in sorted(by_pool.items()))


def release_findings(capture: Capture, settings: Settings) -> Iterator[Finding]:
    """Pods that would wait for a node that the pool may never make."""
    for asked in asked_of(capture, settings):
        limit = f"the pool `{asked.pool}` may have {asked.limit} (stillhouse:nodes.{asked.pool}.maximum)"
        if asked.minimum > asked.limit or (asked.limit == 0 and asked.maximum > 0):
            message = (
                f"versions need {max(asked.minimum, 1)} nodes at their fewest pods, and {limit}: pods wait for ever"
            )
            yield _finding(Level.MANDATORY, message)
        elif asked.maximum > asked.limit:
            message = f"versions need {asked.maximum} nodes at their most pods, and {limit}: the last pods wait"
            yield _finding(Level.ADVISORY, message)


def _asked(pool: Pool, services: list[Resource], settings: Settings) -> Asked:
    size = settings.nodes.gpu if pool == "gpu" else settings.nodes.cpu
    shares = [
        (_share_of_node(service, size.instance_type), at(service.inputs, "spec", "predictor")) for service in services
    ]
    return Asked(
        pool=pool,
        minimum=_nodes(sum(share * number(predictor, "minReplicas", default=1) for share, predictor in shares)),
        maximum=_nodes(sum(share * number(predictor, "maxReplicas", default=1) for share, predictor in shares)),
        limit=size.maximum,
    )


def _nodes(shares: float) -> int:
    return math.ceil(shares - 1e-9)


def _share_of_node(service: Resource, type_name: str) -> float:
    """How much of a node one pod takes: the scarcest of cores, memory and GPUs."""
    node, requests = instance_type(type_name), _requests(service)
    return max(
        _amount(cores, at(requests, "cpu")) / (node.vcpus * USABLE),
        _amount(gib, at(requests, "memory")) / (node.memory_gib * USABLE),
        number(requests, GPU, default=0) / node.gpus if node.gpus else 0.0,
    )


def _amount(read: Callable[[str | float], float], value: Value) -> float:
    return read(value) if isinstance(value, str | int | float) else 0.0


def _requests(service: Resource) -> Value:
    return at(service.inputs, "spec", "predictor", "model", "resources", "requests")


def _finding(level: Level, message: str) -> Finding:
    return Finding(rule="versions-fit-their-pool", level=level, resource="", message=message, source="stacks/plan")
