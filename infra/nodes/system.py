"""The nodes that are always on: controllers, mesh and monitoring run here, spread over the zones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import ec2, eks

from infra import versions
from infra.account import Account
from infra.nodes.images import SHIPPED, NodeImage
from infra.nodes.instance_types import instance_type
from infra.nodes.node_role import NodeRole
from infra.nodes.placement import POOL_LABEL
from infra.tags import named

SYSTEM_POOL = "system"


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemNodesArgs:
    """Size of the group."""

    account: Account
    cluster_name: str
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private, one a zone; as many of them are used, from the first, as there are nodes."""
    cluster_version: str = versions.KUBERNETES
    """Kubernetes of the control plane, which nodes may not be ahead of."""
    image: NodeImage = SHIPPED
    instance_type: str = "m5.large"
    count: int = 3
    volume_gib: int = 30
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.image.check_skew(self.cluster_version)
        if instance_type(self.instance_type).gpus:
            raise ValueError(f"instance_type: (got {self.instance_type}); allowed are types without a GPU")
        if not 1 <= self.count <= 9:
            raise ValueError(f"count: (got {self.count}); allowed are 1 to 9 nodes")
        if self.volume_gib < 20:
            raise ValueError(f"volume_gib: (got {self.volume_gib}); allowed are 20 or more")

    @property
    def used_subnet_ids(self) -> Sequence[pulumi.Input[str]]:
        """No zone without a node: a replaced node comes up where its forerunner's volumes are."""
        return self.subnet_ids[: self.count]

    @property
    def kubernetes_minor(self) -> str:
        """Of the image, which must be the cluster's."""
        return self.image.kubernetes.rpartition(".")[0]


class SystemNodes(pulumi.ComponentResource):
    """A managed node group with a launch template of its own; EKS puts the cluster's security group on the nodes."""

    node_group_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SystemNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:nodes:SystemNodes", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = NodeRole(f"{name}-node", args.account, tags=args.tags, opts=child)
        template = _launch_template(name, args, child)
        group = eks.NodeGroup(
            f"{name}-group",
            cluster_name=args.cluster_name,
            node_role_arn=role.arn,
            subnet_ids=list(args.used_subnet_ids),
            ami_type="AL2023_x86_64_STANDARD",
            version=args.kubernetes_minor,
            release_version=args.image.release_version,
            capacity_type="ON_DEMAND",
            instance_types=[args.instance_type],
            labels={POOL_LABEL: SYSTEM_POOL},
            launch_template=eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            scaling_config=eks.NodeGroupScalingConfigArgs(
                min_size=args.count, desired_size=args.count, max_size=args.count
            ),
            update_config=eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            tags=named(args.tags, name),
            opts=child,
        )
        self.node_group_name = group.node_group_name
        self.node_role_arn = role.arn
        self.register_outputs({"nodeGroupName": self.node_group_name, "nodeRoleArn": self.node_role_arn})


def _launch_template(name: str, args: SystemNodesArgs, opts: pulumi.ResourceOptions) -> ec2.LaunchTemplate:
    """EKS's default template asks for IMDSv2 with two hops and leaves the disk unencrypted."""
    return ec2.LaunchTemplate(
        f"{name}-template",
        update_default_version=True,
        metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        block_device_mappings=[
            ec2.LaunchTemplateBlockDeviceMappingArgs(
                device_name="/dev/xvda",
                ebs=ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                    volume_type="gp3", volume_size=args.volume_gib, encrypted="true", delete_on_termination="true"
                ),
            )
        ],
        tag_specifications=[
            ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=named(args.tags, name))
            for kind in ("instance", "volume", "network-interface")
        ],
        tags=named(args.tags, f"{name}-template"),
        opts=opts,
    )
