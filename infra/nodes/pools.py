"""The pools of workers that Karpenter fills from zero: `cpu`, and `gpu` with one accelerator a node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from infra.manifest import custom
from infra.nodes.capacity import Capacity, OnDemand, reservation_ids
from infra.nodes.images import SHIPPED, NodeImage
from infra.nodes.instance_types import InstanceType, instance_type
from infra.nodes.node_class import NodeClass, Volume
from infra.nodes.node_pool import Disruption, NodePool
from infra.nodes.placement import Placement, node_labels

FOREGROUND = {"pulumi.com/deletionPropagationPolicy": "foreground"}
"""A deleted NodePool is gone only when its nodes are, so that the controller outlives them."""


CPU_DISRUPTION = Disruption(expire_after_hours=30 * 24)
GPU_DISRUPTION = Disruption(expire_after_hours=90 * 24)
"""A GPU node takes longest to replace: the type may be scarce, and its image and models are large."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolArgs:
    """One pool."""

    placement: Placement
    """Name, labels and taint."""
    instance_type: str
    max_nodes: int
    """The pool's limit; 1 or more."""
    capacity: Capacity = field(default_factory=OnDemand)
    volume: Volume = field(default_factory=lambda: Volume(gib=100, throughput_mibps=600))
    disruption: Disruption | None = None
    """None: `GPU_DISRUPTION` or `CPU_DISRUPTION`."""

    def __post_init__(self) -> None:
        gpus = self.type.gpus
        if bool(gpus) != self.placement.has_gpu:
            wanted = "one with a GPU" if self.placement.has_gpu else "one without a GPU"
            raise ValueError(f"{self.placement.pool}: instance_type (got {self.instance_type}); allowed is {wanted}")

    @property
    def type(self) -> InstanceType:
        """The EC2 type's facts."""
        return instance_type(self.instance_type)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePoolsArgs:
    """The pools and what their nodes share."""

    node_role_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    zones: Sequence[str] = ()
    """Zones that nodes may be in; none: all of the subnets'."""
    image: NodeImage = SHIPPED
    pools: Sequence[PoolArgs]
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [pool.placement.pool for pool in self.pools]
        if len(set(names)) != len(names):
            raise ValueError(f"pools: (got the names {names}); allowed is each name once")


def node_class(args: NodePoolsArgs, pool: PoolArgs) -> NodeClass:
    """What the pool's machines are made of."""
    return NodeClass(
        ami_alias=args.image.alias,
        role_name=args.node_role_name,
        subnet_ids=args.subnet_ids,
        security_group_ids=args.security_group_ids,
        volume=pool.volume,
        reservation_ids=reservation_ids(pool.capacity),
        tags=args.tags,
    )


def node_pool(args: NodePoolsArgs, pool: PoolArgs) -> NodePool:
    """Which nodes the pool has, and how many."""
    return NodePool(
        node_class=pool.placement.pool,
        instance_type=pool.type,
        max_nodes=pool.max_nodes,
        capacity=pool.capacity,
        labels=node_labels(pool.placement, pool.type),
        taint=pool.placement.taint,
        zones=args.zones,
        disruption=pool.disruption or (GPU_DISRUPTION if pool.placement.has_gpu else CPU_DISRUPTION),
    )


class NodePools(pulumi.ComponentResource):
    """An EC2NodeClass and a NodePool for each pool; depends on Karpenter's release by its options."""

    pools: Mapping[str, CustomResource]
    """Pool name -> its NodePool."""

    def __init__(self, name: str, args: NodePoolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:nodes:NodePools", name, {}, opts)
        self._name = name
        self.pools = {pool.placement.pool: self._pool(args, pool) for pool in args.pools}
        self.register_outputs({"pools": list(self.pools)})

    def _pool(self, args: NodePoolsArgs, pool: PoolArgs) -> CustomResource:
        pool_name = pool.placement.pool
        made_of = custom(
            f"{self._name}-{pool_name}-class",
            api_version="karpenter.k8s.aws/v1",
            kind="EC2NodeClass",
            name=pool_name,
            spec=node_class(args, pool).spec(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return custom(
            f"{self._name}-{pool_name}",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            name=pool_name,
            spec=node_pool(args, pool).spec(),
            annotations=FOREGROUND,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[made_of]),
        )
