"""The nodes that are always on: controllers, mesh and monitoring run here, spread over the zones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra.account import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemNodesArgs:
    """Size of the group."""

    account: Account
    cluster_name: str
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private, one a zone."""
    kubernetes_version: str
    release_version: str
    """EKS-optimised AL2023 image, e.g. `1.35.0-20260915`."""
    instance_type: str = "m5.large"
    count: int = 3
    volume_gib: int = 30
    session_manager: bool = False
    """Whether SSM may open a shell on the nodes."""
    tags: Mapping[str, str] = field(default_factory=dict)


class SystemNodes(pulumi.ComponentResource):
    """A managed node group with a launch template of its own."""

    node_group_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
