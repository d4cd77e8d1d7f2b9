"""The pools of workers that Karpenter fills from zero: `cpu`, and `gpu` with one accelerator a node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from infra.nodes.capacity import Capacity, OnDemand


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolArgs:
    """One pool."""

    name: str
    """Also the value of the label `stillhouse.dev/pool`."""
    instance_type: str
    max_nodes: int
    """The pool's limit; 1 or more."""
    capacity: Capacity = field(default_factory=OnDemand)
    volume_gib: int = 100
    volume_throughput_mibps: int = 600
    consolidate_after_seconds: int = 300
    """How long a node stays empty before it goes."""
    expire_after_hours: int = 720
    """Age at which a node is replaced by a fresh one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePoolsArgs:
    """The pools and what their nodes share."""

    cluster_name: str
    node_role_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    zones: Sequence[str] = ()
    """Zones that nodes may be in; none: all of the subnets'."""
    ami_alias: str
    """Pinned, e.g. `al2023@v20260915`; Karpenter picks the NVIDIA variant for GPU types."""
    pools: Sequence[PoolArgs]
    tags: Mapping[str, str] = field(default_factory=dict)


class NodePools(pulumi.ComponentResource):
    """An EC2NodeClass and a NodePool for each pool; `pools` maps the pool's name to its NodePool."""

    pools: Mapping[str, CustomResource]
