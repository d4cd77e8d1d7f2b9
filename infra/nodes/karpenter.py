"""Karpenter: makes nodes for pods that wait, and takes them away when they are empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_aws import eks
from pulumi_kubernetes.helm.v3 import Release

from infra import versions
from infra.account import Account
from infra.chart import release
from infra.identity.cluster import ClusterIdentity
from infra.identity.workload_role import WorkloadRole, WorkloadRoleArgs
from infra.nodes.interruptions import Interruptions, InterruptionsArgs
from infra.nodes.karpenter_policy import controller_policy
from infra.nodes.node_role import NodeRole
from infra.nodes.placement import POOL_LABEL
from infra.nodes.system import SYSTEM_POOL
from infra.pods import PodRequests, Resources, pods
from infra.tags import named
from infra.versions import Chart

NAMESPACE = "kube-system"
"""Where the API server's priority levels keep the controller's requests from waiting."""
SERVICE_ACCOUNT = "karpenter"


@dataclass(frozen=True, kw_only=True, slots=True)
class KarpenterArgs:
    """The controller; what nodes it makes is the pools' matter."""

    account: Account
    cluster: ClusterIdentity
    replicas: int = 2
    """Each on a node of its own, so never more than there are system nodes."""
    resources: Resources = field(default_factory=lambda: Resources(cpu_millicores=200, memory_mib=512))
    retain_crds: bool = False
    """Whether the CRDs, and with them every NodePool, stay in the cluster when the stack lets go of them."""
    crd_chart: Chart = versions.KARPENTER_CRD
    chart: Chart = versions.KARPENTER
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.crd_chart.version != self.chart.version:
            raise ValueError(
                f"chart: (got {self.chart.version} with CRDs {self.crd_chart.version}); allowed is one version for both"
            )
        if self.replicas < 1:
            raise ValueError(f"replicas: (got {self.replicas}); allowed are 1 or more")

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the system nodes."""
        return (pods("karpenter", self.resources, count=self.replicas),)


def controller_values(
    args: KarpenterArgs, *, role_arn: pulumi.Input[str], queue_name: pulumi.Input[str]
) -> dict[str, Any]:
    """The chart's values."""
    return {
        "replicas": args.replicas,
        "serviceAccount": {"name": SERVICE_ACCOUNT, "annotations": {"eks.amazonaws.com/role-arn": role_arn}},
        "settings": {"clusterName": args.cluster.cluster_name, "interruptionQueue": queue_name},
        "controller": {"resources": args.resources.values()},
        "nodeSelector": {"kubernetes.io/os": "linux", POOL_LABEL: SYSTEM_POOL},
    }


class Karpenter(pulumi.ComponentResource):
    """CRDs, controller, its role, the role of the nodes it makes, and the queue that warns of interruptions."""

    release: Release
    """Whatever Karpenter reads depends on it, so that nodes are gone before their controller."""
    node_role_name: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    queue_name: pulumi.Output[str]

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:nodes:Karpenter", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        node_role = NodeRole(f"{name}-node", args.account, tags=args.tags, opts=child)
        entry = eks.AccessEntry(
            f"{name}-entry",
            cluster_name=args.cluster.cluster_name,
            principal_arn=node_role.arn,
            type="EC2_LINUX",
            tags=named(args.tags, f"{name}-entry"),
            opts=child,
        )
        queue = Interruptions(
            f"{name}-interruptions",
            InterruptionsArgs(account=args.account, cluster_name=args.cluster.cluster_name, tags=args.tags),
            opts=child,
        )
        role = _controller_role(name, args, node_role, queue, child)
        crds = release(
            f"{name}-crds",
            args.crd_chart,
            namespace=NAMESPACE,
            values={},
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.retain_crds),
        )
        self.release = release(
            f"{name}-controller",
            args.chart,
            namespace=NAMESPACE,
            values=controller_values(args, role_arn=role.arn, queue_name=queue.queue_name),
            # Queue and entry stay until the controller is gone: it removes its last nodes with them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[crds, entry, queue, role]),
        )
        self.node_role_name = node_role.role_name
        self.node_role_arn = node_role.arn
        self.queue_name = queue.queue_name
        self.register_outputs({"nodeRoleArn": self.node_role_arn, "queueName": self.queue_name})


def _controller_role(
    name: str, args: KarpenterArgs, node_role: NodeRole, queue: Interruptions, opts: pulumi.ResourceOptions
) -> WorkloadRole:
    policy = controller_policy(
        args.account, args.cluster.cluster_name, node_role_arn=node_role.arn, queue_arn=queue.queue_arn
    )
    return WorkloadRole(
        f"{name}-controller",
        WorkloadRoleArgs(
            cluster=args.cluster,
            namespace=NAMESPACE,
            service_account=SERVICE_ACCOUNT,
            policy=policy,
            tags=args.tags,
        ),
        opts=opts,
    )
