"""Which pods a pool takes: labels and taint of its nodes, selector and toleration of the pods that belong there.

Every pool is tainted, so that a system pod that waits for room never makes a worker node appear.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.nodes.instance_types import InstanceType

POOL_LABEL = "stillhouse.dev/pool"
"""Value: the pool's name, `cpu` or `gpu`; the system nodes carry `system`."""
ACCELERATOR_LABEL = "stillhouse.dev/accelerator"
"""Value: the GPU's name, e.g. `l4`."""
GPU_RESOURCE = "nvidia.com/gpu"
GPU_PRESENT_LABEL = "nvidia.com/gpu.present"
"""What the charts of NVIDIA's device plugin and DCGM look for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taint:
    """Keeps pods away that do not tolerate it."""

    key: str
    value: str

    def body(self) -> dict[str, str]:
        """As a node has it."""
        return {"key": self.key, "value": self.value, "effect": "NoSchedule"}

    def toleration(self) -> dict[str, str]:
        """As a pod answers it."""
        return {"key": self.key, "operator": "Equal", "value": self.value, "effect": "NoSchedule"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """One pool's side of the bargain, and its pods'."""

    pool: str
    has_gpu: bool

    @property
    def taint(self) -> Taint:
        """GPU nodes carry the taint that NVIDIA's charts tolerate of themselves."""
        return Taint(key=GPU_RESOURCE, value="true") if self.has_gpu else Taint(key=POOL_LABEL, value=self.pool)

    @property
    def node_selector(self) -> dict[str, str]:
        """For the pods that belong in the pool."""
        return {POOL_LABEL: self.pool}

    @property
    def tolerations(self) -> list[dict[str, str]]:
        """For the pods that belong in the pool."""
        return [self.taint.toleration()]


CPU = Placement(pool="cpu", has_gpu=False)
GPU = Placement(pool="gpu", has_gpu=True)


def node_labels(placement: Placement, instance_type: InstanceType) -> Mapping[str, str]:
    """Labels of the pool's nodes."""
    labels = {POOL_LABEL: placement.pool}
    if instance_type.gpus:
        labels |= {GPU_PRESENT_LABEL: "true", ACCELERATOR_LABEL: instance_type.gpu_name}
    return labels
