"""What the rest of the platform knows of a network, whether it was made here or was there before."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkOutputs:
    """Ids that a cluster needs."""

    vpc_id: pulumi.Input[str]
    private_subnet_ids: Sequence[pulumi.Input[str]]
    """For nodes, pods and the internal load balancer; one a zone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExistingNetwork:
    """A VPC by id; nothing in it is changed."""

    vpc_id: str
    private_subnet_ids: Sequence[str]
    """One in each of two zones or more, with a way to AWS's services."""

    def __post_init__(self) -> None:
        _check_id("vpc_id", self.vpc_id, "vpc-")
        for subnet_id in self.private_subnet_ids:
            _check_id("subnet id", subnet_id, "subnet-")
        if len(set(self.private_subnet_ids)) < 2:
            raise ValueError(f"private_subnet_ids: (got {list(self.private_subnet_ids)}); allowed are two or more")

    @property
    def outputs(self) -> NetworkOutputs:
        """The same outputs that a network of our own has."""
        return NetworkOutputs(vpc_id=self.vpc_id, private_subnet_ids=tuple(self.private_subnet_ids))


def _check_id(field: str, value: str, prefix: str) -> None:
    if not value.startswith(prefix):
        raise ValueError(f"{field}: (got {value!r}); allowed are ids that begin with {prefix}")
