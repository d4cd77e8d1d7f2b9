from collections.abc import Mapping
from dataclasses import replace

import pulumi
import pytest
from pulumi_aws import iam

from infra.nodes.capacity import Reservation
from infra.nodes.node_pool import Disruption
from infra.nodes.placement import CPU, GPU
from infra.nodes.pools import NodePools, NodePoolsArgs, PoolArgs, node_class, node_pool
from infra.policies.judged import UNKNOWN
from stacks.capture.run import Capture
from tests.infra.aws import existing_provider, run

POOL = "kubernetes:karpenter.sh/v1:NodePool"
CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
CPU_POOL = PoolArgs(placement=CPU, instance_type="m5.2xlarge", max_nodes=4)
GPU_POOL = PoolArgs(placement=GPU, instance_type="g6.4xlarge", max_nodes=8)
ARGS = NodePoolsArgs(
    node_role_name="nodes", subnet_ids=("subnet-1",), security_group_ids=("sg-1",), pools=(CPU_POOL, GPU_POOL)
)


def made(args: NodePoolsArgs = ARGS) -> Capture:
    return run(lambda: NodePools("pools", args, pulumi.ResourceOptions(providers=[existing_provider()])))


def test_each_pool_has_a_class_that_outlives_it() -> None:
    captured = made()
    for name in ("cpu", "gpu"):
        pool, made_of = captured.one(POOL, f"pools-{name}"), captured.one(CLASS, f"pools-{name}-class")
        assert made_of.urn in pool.depends_on


def test_a_deleted_pool_waits_for_its_nodes() -> None:
    for pool in made().of_type(POOL):
        metadata = pool.inputs["metadata"]
        assert isinstance(metadata, Mapping)
        assert metadata["annotations"] == {"pulumi.com/deletionPropagationPolicy": "foreground"}


def test_bodies_are_those_of_the_pure_helpers() -> None:
    captured = made()
    assert captured.one(POOL, "pools-gpu").inputs["spec"] == node_pool(ARGS, GPU_POOL).spec()
    assert captured.one(CLASS, "pools-gpu-class").inputs["spec"] == node_class(ARGS, GPU_POOL).spec()


def test_gpu_nodes_live_longer_unless_told_otherwise() -> None:
    def lifetime(pool: PoolArgs) -> object:
        return node_pool(ARGS, pool).spec()["template"]["spec"]["expireAfter"]

    assert (lifetime(CPU_POOL), lifetime(GPU_POOL)) == ("720h", "2160h")
    assert lifetime(replace(GPU_POOL, disruption=Disruption(expire_after_hours=48))) == "48h"


def test_pools_may_be_few_or_none() -> None:
    assert not made(replace(ARGS, pools=())).of_type(POOL)
    assert [pool.name for pool in made(replace(ARGS, pools=(CPU_POOL,))).of_type(POOL)] == ["pools-cpu"]


def test_a_reservation_reaches_class_and_pool() -> None:
    reserved = replace(GPU_POOL, capacity=Reservation(ids=("cr-1",), or_on_demand=False))
    assert node_class(ARGS, reserved).spec()["capacityReservationSelectorTerms"] == [{"id": "cr-1"}]
    requirements = node_pool(ARGS, reserved).spec()["template"]["spec"]["requirements"]
    assert {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]} in requirements


def test_a_preview_leaves_only_what_is_not_known_unknown() -> None:
    def program() -> None:
        role = iam.Role("late", assume_role_policy="{}")
        args = replace(ARGS, node_role_name=role.arn)
        NodePools("pools", args, pulumi.ResourceOptions(providers=[existing_provider()]))

    spec = run(program, preview=True).one(CLASS, "pools-gpu-class").inputs["spec"]
    assert isinstance(spec, Mapping)
    assert spec["role"] is UNKNOWN
    assert spec["amiSelectorTerms"] == [{"alias": "al2023@v20260903"}]


def test_wrong_pools_are_refused() -> None:
    with pytest.raises(ValueError, match=r"gpu: instance_type .*one with a GPU"):
        replace(GPU_POOL, instance_type="m5.2xlarge")
    with pytest.raises(ValueError, match=r"cpu: instance_type .*one without a GPU"):
        replace(CPU_POOL, instance_type="g6.4xlarge")
    with pytest.raises(ValueError, match="each name once"):
        replace(ARGS, pools=(CPU_POOL, CPU_POOL))
