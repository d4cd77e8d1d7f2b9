"""Add-ons that EKS manages, each pinned: those that a node needs to become ready, and those that need a node to run on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from infra.account import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterIdentity:
    """What a workload role's trust needs to know of the cluster."""

    cluster_name: str
    oidc_provider_arn: pulumi.Input[str]
    oidc_issuer: pulumi.Input[str]
    """Without scheme."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeAddonsArgs:
    """Versions of what every node runs."""

    account: Account
    cluster: ClusterIdentity
    vpc_cni_version: str
    """E.g. `v1.21.1-eksbuild.1`."""
    kube_proxy_version: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkloadAddonsArgs:
    """Versions of what runs on the system nodes."""

    account: Account
    cluster: ClusterIdentity
    coredns_version: str
    ebs_csi_version: str
    metrics_server_version: str
    tags: Mapping[str, str] = field(default_factory=dict)


class NodeAddons(pulumi.ComponentResource):
    """VPC CNI with network policy, and kube-proxy: before the first node."""


class WorkloadAddons(pulumi.ComponentResource):
    """CoreDNS, EBS CSI with its default storage class, and metrics-server: after the first node."""
