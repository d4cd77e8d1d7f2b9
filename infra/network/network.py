"""A VPC over several zones: private subnets for nodes and pods, public ones for NAT, nothing open by default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import pulumi

from infra.account import Account
from infra.network.endpoints import InterfaceEndpoint


class NatMode(Enum):
    """How the private subnets reach the internet."""

    ONE = "one"
    """One gateway: cheaper, and its zone's loss cuts all zones off from the internet."""
    PER_ZONE = "per_zone"
    """One gateway in each zone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkArgs:
    """Size and shape of the VPC."""

    account: Account
    cluster_name: str
    """The cluster that the subnets are tagged for."""
    cidr: str = "10.0.0.0/16"
    """Private IPv4 range, /16 to /20."""
    zones: Sequence[str]
    """Full names, e.g. `us-west-2a`; 2 to 4."""
    nat: NatMode = NatMode.ONE
    interface_endpoints: frozenset[InterfaceEndpoint] = frozenset()
    """Besides the S3 gateway, which is always there."""
    flow_log_retention_days: int | None = None
    """None: no flow logs."""
    tags: Mapping[str, str] = field(default_factory=dict)


class Network(pulumi.ComponentResource):
    """The VPC; `outputs` is what a cluster takes."""
