"""Add-ons that EKS manages, each pinned: first those that make a node ready, then those that run on a ready node."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import eks

from infra import versions
from infra.account import Account
from infra.cluster.storage_class import default_storage_class
from infra.identity.cluster import ClusterIdentity
from infra.identity.workload_role import WorkloadRole, WorkloadRoleArgs
from infra.tags import named
from infra.versions import AddOn

SYSTEM_NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeAddonsArgs:
    """Versions of what every node runs."""

    account: Account
    cluster: ClusterIdentity
    vpc_cni: AddOn = versions.VPC_CNI
    kube_proxy: AddOn = versions.KUBE_PROXY
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkloadAddonsArgs:
    """Versions of what runs on the system nodes."""

    account: Account
    cluster: ClusterIdentity
    coredns: AddOn = versions.COREDNS
    ebs_csi: AddOn = versions.EBS_CSI
    metrics_server: AddOn = versions.METRICS_SERVER
    tags: Mapping[str, str] = field(default_factory=dict)


VPC_CNI_CONFIGURATION = {"enableNetworkPolicy": "true"}
"""The CNI's own agent enforces network policies; EKS takes the flag as text."""


class NodeAddons(pulumi.ComponentResource):
    """VPC CNI with network policy, and kube-proxy: before the first node, and gone after the last."""

    def __init__(self, name: str, args: NodeAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:cluster:NodeAddons", name, {}, opts)
        role = WorkloadRole(
            f"{name}-cni",
            WorkloadRoleArgs(
                cluster=args.cluster,
                namespace=SYSTEM_NAMESPACE,
                service_account="aws-node",
                managed_policy_arns=(args.account.managed_policy("AmazonEKS_CNI_Policy"),),
                tags=args.tags,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        maker = _Maker(name=name, cluster_name=args.cluster.cluster_name, parent=self, tags=args.tags)
        maker.add(args.vpc_cni, configuration=VPC_CNI_CONFIGURATION, role_arn=role.arn)
        maker.add(args.kube_proxy)
        self.register_outputs({})


class WorkloadAddons(pulumi.ComponentResource):
    """CoreDNS, EBS CSI with its default storage class, and metrics-server: after the first node."""

    storage_class_name: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:cluster:WorkloadAddons", name, {}, opts)
        role = WorkloadRole(
            f"{name}-ebs",
            WorkloadRoleArgs(
                cluster=args.cluster,
                namespace=SYSTEM_NAMESPACE,
                service_account="ebs-csi-controller-sa",
                managed_policy_arns=(args.account.managed_policy("service-role/AmazonEBSCSIDriverPolicy"),),
                tags=args.tags,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        maker = _Maker(name=name, cluster_name=args.cluster.cluster_name, parent=self, tags=args.tags)
        maker.add(args.coredns)
        driver = maker.add(args.ebs_csi, role_arn=role.arn)
        maker.add(args.metrics_server)
        self.storage_class_name = default_storage_class(
            f"{name}-gp3", pulumi.ResourceOptions(parent=self, depends_on=[driver])
        )
        self.register_outputs({"storageClassName": self.storage_class_name})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Maker:
    """What the add-ons of a component share."""

    name: str
    cluster_name: str
    parent: pulumi.Resource
    tags: Mapping[str, str]

    def add(
        self,
        add_on: AddOn,
        *,
        configuration: Mapping[str, str] | None = None,
        role_arn: pulumi.Input[str] | None = None,
    ) -> eks.Addon:
        """One add-on at its pinned version; a setting changed by hand is put back."""
        return eks.Addon(
            f"{self.name}-{add_on.name}",
            cluster_name=self.cluster_name,
            addon_name=add_on.name,
            addon_version=add_on.version,
            configuration_values=json.dumps(configuration) if configuration else None,
            service_account_role_arn=role_arn,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=named(self.tags, f"{self.cluster_name}-{add_on.name}"),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )
