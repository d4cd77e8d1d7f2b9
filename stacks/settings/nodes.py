"""Section `nodes`: the nodes that are always on, and the pools that Karpenter fills from zero."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.settings.part import InstanceType, Part


class OnDemand(Part):
    """Nodes at the list price."""

    kind: Literal["on_demand"]
    """List price, never taken back."""


class Spot(Part):
    """Nodes at the market's price, with two minutes' notice when AWS wants them back."""

    kind: Literal["spot"]
    """Cheaper; AWS takes a node back with two minutes' notice. Falls back to on-demand where there is none."""


class Reservation(Part):
    """Nodes of a capacity reservation, and on-demand ones when it is used up."""

    kind: Literal["reservation"]
    """Nodes of a capacity reservation first."""
    id: str = Field(pattern=r"^cr-[0-9a-f]{8,17}$")
    """Id of the On-Demand Capacity Reservation."""


CapacitySettings = Annotated[OnDemand | Spot | Reservation, Field(discriminator="kind")]


class SystemNodesSettings(Part):
    """The nodes that are always on: controllers, mesh, monitoring."""

    instance_type: InstanceType = "m5.large"
    """EC2 type of every system node."""
    count: int = Field(ge=1, le=9)
    """How many, spread over the zones; one fewer should still hold every system pod."""
    volume_gib: int = Field(default=30, ge=20)
    """GiB of encrypted gp3 on each node."""


class PoolSettings(Part):
    """A pool of workers that Karpenter fills from zero."""

    instance_type: InstanceType
    """EC2 type of the pool's nodes."""
    minimum: int = Field(ge=0)
    """Nodes at a quiet hour, as the bill assumes them; the pool itself starts from zero."""
    expected: int = Field(ge=0)
    """Nodes of a usual month, as the bill assumes them."""
    maximum: int = Field(ge=0)
    """The pool's limit in nodes: Karpenter never exceeds it; 0: the pool is not made."""
    capacity: CapacitySettings = OnDemand(kind="on_demand")
    """How the nodes are bought."""
    volume_gib: int = Field(default=100, ge=50)
    """GiB of encrypted gp3 on each node: images and models."""
    volume_throughput_mibps: int = Field(ge=125, le=2000)
    """MiB/s of each volume; parallel image pulls want 600 for Triton's large image."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.minimum <= self.expected <= self.maximum:
            raise ValueError(
                "minimum <= expected <= maximum does not hold"
                f" (got {self.minimum}, {self.expected}, {self.maximum}); allowed: ascending numbers of nodes"
            )
        return self


class NodesSettings(Part):
    """System nodes and the pools of workers."""

    system: SystemNodesSettings
    """Always on."""
    cpu: PoolSettings
    """Workers without an accelerator."""
    gpu: PoolSettings
    """Workers with one GPU each."""
