"""Karpenter: makes nodes for pods that wait, and takes them away when they are empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from infra.account import Account
from infra.cluster.addons import ClusterIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class KarpenterArgs:
    """The controller; what nodes it makes is the pools' matter."""

    account: Account
    cluster: ClusterIdentity
    chart_version: str
    """Of both charts, e.g. `1.14.1`."""
    replicas: int = 2
    """Each on a node of its own, so never more than there are system nodes."""
    session_manager: bool = False
    """Whether SSM may open a shell on the nodes."""
    retain_crds: bool = False
    """Whether the CRDs, and with them every NodePool, outlive the stack's grip on them."""
    tags: Mapping[str, str] = field(default_factory=dict)


class Karpenter(pulumi.ComponentResource):
    """CRDs, controller, its role, the role of the nodes it makes, and the queue that warns of interruptions."""

    release: Release
    node_role_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    queue_name: pulumi.Output[str]
