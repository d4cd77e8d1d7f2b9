"""An EKS cluster: private API, encrypted secrets, all logs, entry by IAM only, an OIDC provider for workload roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_eks as eks
from pulumi_aws import cloudwatch, vpc
from pulumi_aws.eks import ClusterUpgradePolicyArgs
from pulumi_kubernetes import Provider

from infra.account import Account
from infra.cluster.access import AccessEntry
from infra.cluster.releases import release_of
from infra.identity.cluster import ClusterIdentity
from infra.network.cidr import check_callers
from infra.network.outputs import NetworkOutputs
from infra.storage.key import EncryptionKey, EncryptionKeyArgs, LogsUse
from infra.tags import named

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
API_PORT = 443
LARGEST_NAME = 100
"""Characters that EKS allows in a cluster's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterArgs:
    """The control plane and who may talk to it."""

    account: Account
    cluster_name: str
    """In EKS; fixed, because names of logs, tags and policies follow from it."""
    version: str
    """Kubernetes version; one of `infra/cluster/releases.py`."""
    network: NetworkOutputs
    public_access_cidrs: Sequence[str] = ()
    """Ranges that reach the API from the internet; none: the public endpoint is off."""
    private_access_cidrs: Sequence[str] = ()
    """Ranges in the VPC or in networks connected to it that reach the API's private endpoint, besides the nodes."""
    access: Sequence[AccessEntry] = ()
    """Besides the creator, which EKS always makes an admin."""
    log_retention_days: int = 30
    deletion_protection: bool = False
    """AWS refuses to delete the cluster, and Pulumi the cluster and its key, while this is true."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        release_of(self.version)
        if not self.cluster_name.replace("-", "").isalnum() or len(self.cluster_name) > LARGEST_NAME:
            raise ValueError(f"cluster_name: (got {self.cluster_name!r}); allowed are letters, digits and hyphens")
        _check_access("public_access_cidrs", self.public_access_cidrs, from_internet=True)
        _check_access("private_access_cidrs", self.private_access_cidrs, from_internet=False)
        if not self.public_access_cidrs and not self.private_access_cidrs:
            raise ValueError("private_access_cidrs: (got none, and no public ones); allowed is a range in one of them")
        names = [entry.name for entry in self.access]
        if len(set(names)) != len(names):
            raise ValueError(f"access: (got the names {names}); allowed is each name once")


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
    identity: ClusterIdentity
    provider: Provider
    """For every Kubernetes resource; what it made counts as gone once the cluster no longer answers."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:cluster:Cluster", name, {}, opts)
        key = self._key(name, args)
        logs = self._logs(name, args, key)
        cluster = self._cluster(name, args, key, logs)
        self.cluster_name = args.cluster_name
        self.kms_key_arn = key.arn
        # Only flat outputs: `core` and `eks_cluster` hold live resources that no preview can give.
        self.kubeconfig_json = pulumi.Output.secret(cluster.kubeconfig_json)
        self.oidc_provider_arn = cluster.oidc_provider_arn
        self.oidc_issuer = cluster.oidc_issuer
        self.cluster_security_group_id = cluster.cluster_security_group_id
        self.identity = ClusterIdentity(
            cluster_name=args.cluster_name, oidc_provider_arn=self.oidc_provider_arn, oidc_issuer=self.oidc_issuer
        )
        self.provider = Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig_json,
            delete_unreachable=True,
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._openings(name, args)),
        )
        self.register_outputs(
            {
                "clusterName": self.cluster_name,
                "kubeconfigJson": self.kubeconfig_json,
                "oidcProviderArn": self.oidc_provider_arn,
                "oidcIssuer": self.oidc_issuer,
                "clusterSecurityGroupId": self.cluster_security_group_id,
                "kmsKeyArn": self.kms_key_arn,
            }
        )

    def _openings(self, name: str, args: ClusterArgs) -> list[pulumi.Resource]:
        """EKS's group admits its own members only, so whoever runs this from elsewhere in the network needs a rule."""
        return [
            vpc.SecurityGroupIngressRule(
                f"{name}-api-from-{cidr.replace('/', '-')}",
                security_group_id=self.cluster_security_group_id,
                description="Kubernetes API from the VPC and networks connected to it",
                ip_protocol="tcp",
                from_port=API_PORT,
                to_port=API_PORT,
                cidr_ipv4=cidr,
                tags=named(args.tags, f"{name}-api"),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for cidr in args.private_access_cidrs
        ]

    def _key(self, name: str, args: ClusterArgs) -> EncryptionKey:
        """For the cluster's secrets and its logs."""
        return EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                account=args.account,
                description=f"Secrets and logs of the cluster {args.cluster_name}",
                logs=LogsUse(log_group_name=_log_group(args.cluster_name)),
                protect=args.deletion_protection,
                tags=args.tags,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _logs(self, name: str, args: ClusterArgs, key: EncryptionKey) -> cloudwatch.LogGroup:
        """EKS would make the group itself, without an end to its records and without our key."""
        group_name = _log_group(args.cluster_name)
        return cloudwatch.LogGroup(
            f"{name}-logs",
            name=group_name,
            retention_in_days=args.log_retention_days,
            kms_key_id=key.arn,
            tags=named(args.tags, group_name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _cluster(self, name: str, args: ClusterArgs, key: EncryptionKey, logs: cloudwatch.LogGroup) -> eks.Cluster:
        public = bool(args.public_access_cidrs)
        return eks.Cluster(
            f"{name}-eks",
            name=args.cluster_name,
            version=args.version,
            upgrade_policy=ClusterUpgradePolicyArgs(support_type="STANDARD"),
            authentication_mode=eks.AuthenticationMode.API,
            access_entries={entry.name: entry.args(args.account.partition) for entry in args.access},
            vpc_id=args.network.vpc_id,
            subnet_ids=list(args.network.private_subnet_ids),
            endpoint_private_access=True,
            endpoint_public_access=public,
            public_access_cidrs=list(args.public_access_cidrs) if public else None,
            encryption_config_key_arn=key.arn,
            enabled_cluster_log_types=list(LOG_TYPES),
            create_oidc_provider=True,
            deletion_protection=args.deletion_protection,
            # Nodes and add-ons come as components of their own, in their order; EKS's own group joins all nodes.
            skip_default_node_group=True,
            skip_default_security_groups=True,
            create_instance_role=False,
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs], protect=args.deletion_protection),
        )


def _check_access(field: str, cidrs: Sequence[str], *, from_internet: bool) -> None:
    for cidr in cidrs:
        try:
            check_callers(cidr, from_internet=from_internet)
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from error
    if len(set(cidrs)) != len(cidrs):
        raise ValueError(f"{field}: (got {list(cidrs)}); allowed is each range once")


def _log_group(cluster_name: str) -> str:
    """The name that EKS writes to."""
    return f"/aws/eks/{cluster_name}/cluster"
