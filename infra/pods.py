"""What pods ask of a node: requests as data, so that a plan can add them up before anything is deployed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Requests of one container; memory may grow to its limit, CPU is shared by request."""

    cpu_millicores: int
    memory_mib: int
    memory_limit_mib: int | None = None
    """None: twice the request."""

    def __post_init__(self) -> None:
        limit = self.limit_mib
        if self.cpu_millicores < 1 or not 1 <= self.memory_mib <= limit:
            raise ValueError(
                f"container resources: (got {self.cpu_millicores}m, {self.memory_mib} MiB, limit {limit} MiB); "
                "allowed are positive requests and a limit at or above the memory request"
            )

    @property
    def limit_mib(self) -> int:
        """Memory at which the container is killed, in MiB."""
        return 2 * self.memory_mib if self.memory_limit_mib is None else self.memory_limit_mib

    def values(self) -> dict[str, Any]:
        """As a container's `resources`; no CPU limit, which would throttle a burst on an idle node."""
        return {
            "requests": {"cpu": f"{self.cpu_millicores}m", "memory": f"{self.memory_mib}Mi"},
            "limits": {"memory": f"{self.limit_mib}Mi"},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class PodRequests:
    """Pods of one kind on the system nodes."""

    name: str
    """The workload's name in the cluster."""
    cpu_millicores: int
    """Of one pod, over its containers."""
    memory_mib: int
    """Of one pod, over its containers."""
    count: int = 1
    """Pods in the cluster; of a DaemonSet, pods on each node."""
    per_node: bool = False
    """Whether every node, workers too, runs `count` of them."""


def pods(name: str, *containers: Resources, count: int = 1, per_node: bool = False) -> PodRequests:
    """A workload whose pods hold these containers."""
    return PodRequests(
        name=name,
        cpu_millicores=sum(container.cpu_millicores for container in containers),
        memory_mib=sum(container.memory_mib for container in containers),
        count=count,
        per_node=per_node,
    )
