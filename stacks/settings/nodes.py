"""Section `nodes`: the nodes that are always on, and the pools that Karpenter fills from zero."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from infra.nodes.instance_types import BY_NAME, TYPES
from stacks.fit import INTERFACES
from stacks.settings.part import Part


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


def _is_known(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(f"unknown type (got {name}); allowed: {', '.join(BY_NAME)}")
    return name


def _fits_system_pods(name: str) -> str:
    if name not in INTERFACES:
        raise ValueError(f"not known as a system node (got {name}); allowed: {', '.join(INTERFACES)}")
    return name


class SystemNodesSettings(Part):
    """The nodes that are always on: controllers, mesh, monitoring."""

    instance_type: Annotated[str, AfterValidator(_fits_system_pods)] = "m5.large"
    """EC2 type of every system node."""
    count: int = Field(ge=1, le=9)
    """How many, each of the first ones in a zone of its own; one fewer should still hold every system pod."""
    volume_gib: int = Field(default=30, ge=20)
    """GiB of encrypted gp3 on each node."""


class PoolSettings(Part):
    """A pool of workers that Karpenter fills from zero."""

    instance_type: Annotated[str, AfterValidator(_is_known)]
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


def _without_gpu(pool: PoolSettings) -> PoolSettings:
    return _with_gpus(pool, wanted=False)


def _with_gpu(pool: PoolSettings) -> PoolSettings:
    return _with_gpus(pool, wanted=True)


def _with_gpus(pool: PoolSettings, *, wanted: bool) -> PoolSettings:
    allowed = [one.name for one in TYPES if bool(one.gpus) is wanted]
    if pool.instance_type not in allowed:
        has = "without a GPU" if wanted else "with a GPU"
        raise ValueError(f"instance_type: a type {has} (got {pool.instance_type}); allowed: {', '.join(allowed)}")
    return pool


class NodesSettings(Part):
    """System nodes and the pools of workers."""

    system: SystemNodesSettings
    """Always on."""
    cpu: Annotated[PoolSettings, AfterValidator(_without_gpu)]
    """Workers without an accelerator."""
    gpu: Annotated[PoolSettings, AfterValidator(_with_gpu)]
    """Workers with one GPU each."""
