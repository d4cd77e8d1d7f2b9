"""An EKS cluster: private API, encrypted secrets, all logs, entry by IAM only, an OIDC provider for workload roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra.account import Account
from infra.cluster.access import AccessEntry
from infra.network.outputs import NetworkOutputs


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterArgs:
    """The control plane and who may talk to it."""

    account: Account
    cluster_name: str
    """In EKS; fixed, because names of logs, tags and policies follow from it."""
    version: str
    """Kubernetes version, e.g. `1.35`."""
    network: NetworkOutputs
    public_access_cidrs: Sequence[str] = ()
    """Ranges that reach the API from the internet; none: only from inside the VPC."""
    access: Sequence[AccessEntry] = ()
    """Besides the creator, which EKS always makes an admin."""
    log_retention_days: int = 30
    deletion_protection: bool = False
    """AWS refuses to delete the cluster, and Pulumi the cluster and its key, while this is true."""
    tags: Mapping[str, str] = field(default_factory=dict)


class Cluster(pulumi.ComponentResource):
    """The control plane. Nodes and add-ons are components of their own, because each has its moment in the order.

    The order is: cluster, `NodeAddons`, system nodes, `WorkloadAddons`.
    """

    cluster_name: str
    kubeconfig_json: pulumi.Output[str]
    oidc_provider_arn: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    """Without scheme, as condition keys want it."""
    cluster_security_group_id: pulumi.Output[str]
    """Of the control plane and of every node: EKS makes it, and it lets its members talk to each other."""
    kms_key_arn: pulumi.Output[str]
