"""What a version asks of a node: cores, memory, an accelerator."""

from dataclasses import dataclass
from typing import Literal

from pulumi_kubernetes.core import v1 as core

Compute = Literal["cpu", "gpu"]
GPU = "nvidia.com/gpu"


@dataclass(frozen=True, kw_only=True, slots=True)
class PodShape:
    """Of each replica."""

    compute: Compute
    """`gpu` asks for one accelerator."""
    cpu: int
    """Cores."""
    memory_gib: int

    def __post_init__(self) -> None:
        if self.cpu < 1 or self.memory_gib < 1:
            raise ValueError(f"pod shape: (got {self.cpu} cores, {self.memory_gib} GiB); allowed are 1 and more")

    def __str__(self) -> str:
        return f"{self.compute}-{self.cpu}-{self.memory_gib}"

    def resources(self) -> core.ResourceRequirementsArgs:
        """Memory may not grow beyond the request; cores may, where the node has idle ones."""
        memory = {"memory": f"{self.memory_gib}Gi"}
        accelerator = {GPU: "1"} if self.compute == "gpu" else {}
        return core.ResourceRequirementsArgs(
            requests={"cpu": str(self.cpu), **memory, **accelerator}, limits={**memory, **accelerator}
        )
