"""What a version gets on a cluster: the machine under each replica, how many replicas, and what sets their number."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from serving.part import Part


class Replicas(Part):
    """The fewest and the most replicas of one version."""

    min: int = Field(ge=0, le=64)
    """0 lets the version sleep: the first request after a pause is refused while a replica starts."""
    max: int = Field(ge=1, le=64)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min: must be at most max (got {self.min} and {self.max})")
        return self


class ScaleByRequests(Part):
    """As many replicas as the requests at the gateway ask for."""

    kind: Literal["requests"]
    per_replica_per_second: int = Field(ge=1, le=100_000)
    """Requests in a second that one replica should get; well under what it can take."""


class ScaleByCpu(Part):
    """As many replicas as keep the model's processor this busy."""

    kind: Literal["cpu"]
    percent: int = Field(ge=10, le=95)
    """Of the cores that the replica asked for."""


class FixedReplicas(Part):
    """Always the same number of replicas."""

    kind: Literal["fixed"]


Scaling = Annotated[ScaleByRequests | ScaleByCpu | FixedReplicas, Field(discriminator="kind")]


class Resources(Part):
    """What the versions of an endpoint get on a cluster; the twin runs on one machine and does not read it."""

    compute: Literal["cpu", "gpu"]
    """Which nodes: `gpu` has one accelerator for each replica."""
    cpu: int = Field(ge=1, le=96)
    """Cores of a replica."""
    memory_gib: int = Field(ge=1, le=768)
    """GiB of a replica."""
    replicas: Replicas
    """Of the stable version and the one that it relieved; of all others too where `candidate_replicas` is silent."""
    candidate_replicas: Replicas | None = None
    """Of the candidate, the shadow and the warm versions."""
    scaling: Scaling

    @model_validator(mode="after")
    def _scalable(self) -> Self:
        for place in ("replicas", "candidate_replicas"):
            replicas: Replicas | None = getattr(self, place)
            if replicas is not None:
                self._check(place, replicas)
        return self

    def _check(self, place: str, replicas: Replicas) -> None:
        kind = self.scaling.kind
        if replicas.min == 0 and kind != "requests":
            raise ValueError(f"{place}.min: 0 needs scaling by requests, which alone sees them (got {kind})")
        if kind == "fixed" and replicas.min != replicas.max:
            raise ValueError(f"{place}: a fixed number has min equal to max (got {replicas.min} and {replicas.max})")
