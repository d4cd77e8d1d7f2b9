"""The AWS half of a platform: network, cluster, nodes and storage, in the order in which they need each other."""

from dataclasses import dataclass

import pulumi
import pulumi_aws

from infra.account import Account
from infra.cluster.access import AccessEntry, AccessLevel
from infra.cluster.addons import NodeAddons, NodeAddonsArgs, WorkloadAddons, WorkloadAddonsArgs
from infra.cluster.cluster import Cluster, ClusterArgs
from infra.cluster.releases import KubernetesRelease, release_of
from infra.network.endpoints import InterfaceEndpoint
from infra.network.network import NatMode, Network, NetworkArgs
from infra.network.outputs import ExistingNetwork, NetworkOutputs
from infra.nodes.system import SystemNodes, SystemNodesArgs
from infra.storage.artifacts import ArtifactBucket, ArtifactBucketArgs
from infra.storage.registry import ImageRegistry, ImageRegistryArgs
from infra.storage.snowflake import SnowflakeCaller, SnowflakeExport, SnowflakeExportArgs
from stacks.settings.network import CreateNetwork
from stacks.settings.settings import Settings
from stacks.settings.storage import SnowflakeSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which stack this is, and in which account and region it stands."""

    environment: str
    """The stack's name."""
    account: Account
    tags: dict[str, str]
    """Of everything that can be tagged."""

    @property
    def cluster_name(self) -> str:
        """In EKS; two environments may share an account."""
        return f"stillhouse-{self.environment}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """What the cluster's own workloads stand on."""

    place: Place
    network: NetworkOutputs
    release: KubernetesRelease
    """Whose image all nodes run."""
    cluster: Cluster
    system_nodes: SystemNodes
    addons: WorkloadAddons
    bucket: ArtifactBucket
    registry: ImageRegistry


def place_of(settings: Settings) -> Place:
    """The account is whoever runs the update; it must be known before names and policies can be written."""
    caller = pulumi_aws.get_caller_identity()
    stack = pulumi.get_stack()
    return Place(
        environment=stack,
        account=Account(account_id=caller.account_id, region=settings.region, partition=_partition(settings.region)),
        tags={"project": "stillhouse", "environment": stack, **settings.tags},
    )


def _partition(region: str) -> str:
    by_prefix = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for prefix, name in by_prefix.items() if region.startswith(prefix)), "aws")


def build_foundation(settings: Settings, place: Place) -> Foundation:
    """Network, cluster, nodes, storage."""
    network, made = _network(settings, place)
    release = release_of(settings.cluster.kubernetes_version)
    # Routes and endpoints too: without them nodes cannot join, and at the end controllers could not clean up.
    cluster = Cluster("cluster", _cluster_args(settings, place, network), pulumi.ResourceOptions(depends_on=made))
    node_addons = NodeAddons(
        "node-addons",
        NodeAddonsArgs(
            account=place.account,
            cluster=cluster.identity,
            vpc_cni=release.vpc_cni,
            kube_proxy=release.kube_proxy,
            tags=place.tags,
        ),
        pulumi.ResourceOptions(depends_on=[cluster]),
    )
    system_nodes = SystemNodes(
        "system",
        SystemNodesArgs(
            account=place.account,
            cluster_name=place.cluster_name,
            cluster_version=release.version,
            image=release.image,
            subnet_ids=network.private_subnet_ids,
            instance_type=settings.nodes.system.instance_type,
            count=settings.nodes.system.count,
            volume_gib=settings.nodes.system.volume_gib,
            tags=place.tags,
        ),
        pulumi.ResourceOptions(depends_on=[cluster, node_addons]),
    )
    addons = WorkloadAddons(
        "addons",
        WorkloadAddonsArgs(
            account=place.account,
            cluster=cluster.identity,
            coredns=release.coredns,
            ebs_csi=release.ebs_csi,
            metrics_server=release.metrics_server,
            tags=place.tags,
        ),
        pulumi.ResourceOptions(depends_on=[system_nodes], providers=[cluster.provider]),
    )
    bucket, registry = _storage(settings, place)
    return Foundation(
        place=place,
        network=network,
        release=release,
        cluster=cluster,
        system_nodes=system_nodes,
        addons=addons,
        bucket=bucket,
        registry=registry,
    )


def _network(settings: Settings, place: Place) -> tuple[NetworkOutputs, list[pulumi.Resource]]:
    """The network, and what of it must be there before the cluster and outlive it."""
    asked = settings.network
    if not isinstance(asked, CreateNetwork):
        existing = ExistingNetwork(
            vpc_id=asked.vpc_id,
            private_subnet_ids=asked.private_subnet_ids,
        )
        return existing.outputs, []
    network = Network(
        "network",
        NetworkArgs(
            account=place.account,
            cluster_name=place.cluster_name,
            cidr=asked.cidr,
            zones=settings.zones,
            nat=NatMode(asked.nat),
            interface_endpoints=frozenset(InterfaceEndpoint(name) for name in asked.interface_endpoints),
            flow_log_retention_days=asked.flow_log_retention_days,
            tags=place.tags,
        ),
    )
    return network.outputs, [network]


def _cluster_args(settings: Settings, place: Place, network: NetworkOutputs) -> ClusterArgs:
    asked = settings.cluster
    levels = {AccessLevel.CLUSTER_ADMIN: asked.admins, AccessLevel.VIEW: asked.viewers}
    return ClusterArgs(
        account=place.account,
        cluster_name=place.cluster_name,
        version=asked.kubernetes_version,
        network=network,
        public_access_cidrs=asked.public_access_cidrs,
        private_access_cidrs=asked.private_access_cidrs,
        access=[
            AccessEntry(name=name, principal_arn=arn, level=level)
            for level, people in levels.items()
            for name, arn in people.items()
        ],
        log_retention_days=asked.log_retention_days,
        deletion_protection=asked.deletion_protection,
        tags=place.tags,
    )


def _storage(settings: Settings, place: Place) -> tuple[ArtifactBucket, ImageRegistry]:
    asked = settings.storage
    bucket = ArtifactBucket(
        "artifacts",
        ArtifactBucketArgs(
            account=place.account,
            bucket_name=asked.bucket_name,
            promoted_prefixes=(settings.serving.artifact_prefix,),
            expiring_prefixes=[prefix for _, prefix in asked.prefixes],
            noncurrent_days=asked.noncurrent_days,
            protect=asked.protect,
            retain=asked.retain,
            tags=place.tags,
        ),
    )
    registry = ImageRegistry(
        "images",
        ImageRegistryArgs(
            account=place.account,
            repository_name=f"{place.cluster_name}/triton",
            protect=asked.protect,
            retain=asked.retain,
            tags=place.tags,
        ),
    )
    if asked.snowflake is not None:
        _snowflake(asked.snowflake, place, bucket)
    return bucket, registry


def _snowflake(asked: SnowflakeSettings, place: Place, bucket: ArtifactBucket) -> None:
    caller = None
    if asked.principal_arn is not None and asked.external_id is not None:
        caller = SnowflakeCaller(principal_arn=asked.principal_arn, external_id=asked.external_id)
    export = SnowflakeExport(
        "snowflake",
        SnowflakeExportArgs(
            account=place.account,
            role_name=f"{place.cluster_name}-snowflake",
            bucket_name=bucket.bucket_name,
            bucket_arn=bucket.bucket_arn,
            kms_key_arn=bucket.kms_key_arn,
            prefix=asked.prefix,
            caller=caller,
            tags=place.tags,
        ),
    )
    pulumi.export("snowflake_role_arn", export.role_arn)
    pulumi.export("snowflake_sql", export.sql)
