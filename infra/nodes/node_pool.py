"""The body of a NodePool: which nodes Karpenter may make, how many, and when it takes them away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.nodes.capacity import Capacity, capacity_types
from infra.nodes.instance_types import InstanceType
from infra.nodes.placement import GPU_RESOURCE, Taint


@dataclass(frozen=True, kw_only=True, slots=True)
class Disruption:
    """When nodes go."""

    consolidate_after_seconds: int = 300
    """How long a node stays empty first; long enough for a rollout's next pod to find it."""
    expire_after_hours: int = 720
    """Age at which a node goes, whatever runs on it: no budget holds it back, only the pods' disruption budgets.

    It patches nothing, because the image is pinned: a new pin makes nodes drift, and those go within the budget.
    """

    def __post_init__(self) -> None:
        if self.consolidate_after_seconds < 30:
            raise ValueError(
                f"consolidate_after_seconds: (got {self.consolidate_after_seconds}); allowed are 30 or more"
            )
        if self.expire_after_hours < 24:
            raise ValueError(f"expire_after_hours: (got {self.expire_after_hours}); allowed are 24 or more")

    def spec(self) -> dict[str, Any]:
        """`spec.disruption`: empty nodes may go all at once, others one at a time."""
        return {
            "consolidationPolicy": "WhenEmpty",
            "consolidateAfter": f"{self.consolidate_after_seconds}s",
            "budgets": [{"nodes": "100%", "reasons": ["Empty"]}, {"nodes": "1", "reasons": ["Drifted"]}],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePool:
    """One pool of nodes of one type."""

    node_class: str
    """Name of its EC2NodeClass."""
    instance_type: InstanceType
    max_nodes: int
    capacity: Capacity
    labels: Mapping[str, str]
    taint: Taint
    zones: Sequence[str] = ()
    """None: any zone that has a subnet."""
    disruption: Disruption = Disruption()

    def __post_init__(self) -> None:
        if self.max_nodes < 1:
            raise ValueError(f"max_nodes: (got {self.max_nodes}); allowed are 1 or more, or no pool at all")

    def spec(self) -> dict[str, Any]:
        """`spec` of `karpenter.sh/v1` NodePool."""
        return {
            "template": {
                "metadata": {"labels": dict(self.labels)},
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": self.node_class},
                    "requirements": self._requirements(),
                    "taints": [self.taint.body()],
                    "expireAfter": f"{self.disruption.expire_after_hours}h",
                },
            },
            "disruption": self.disruption.spec(),
            "limits": self.limits(),
        }

    def limits(self) -> dict[str, str]:
        """The pool's limit in nodes, in the resources that Karpenter counts."""
        limits = {
            "cpu": str(self.max_nodes * self.instance_type.vcpus),
            "memory": f"{self.max_nodes * self.instance_type.memory_gib}Gi",
        }
        if self.instance_type.gpus:
            limits[GPU_RESOURCE] = str(self.max_nodes * self.instance_type.gpus)
        return limits

    def _requirements(self) -> list[dict[str, Any]]:
        requirements = [
            _is_in("node.kubernetes.io/instance-type", [self.instance_type.name]),
            _is_in("kubernetes.io/arch", ["amd64"]),
            _is_in("kubernetes.io/os", ["linux"]),
            _is_in("karpenter.sh/capacity-type", capacity_types(self.capacity)),
        ]
        return requirements + ([_is_in("topology.kubernetes.io/zone", list(self.zones))] if self.zones else [])


def _is_in(key: str, values: list[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": values}
