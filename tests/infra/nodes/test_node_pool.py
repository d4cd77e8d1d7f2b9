import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.nodes.capacity import OnDemand, Spot
from infra.nodes.instance_types import TYPES, InstanceType, instance_type
from infra.nodes.node_pool import Disruption, NodePool
from infra.nodes.placement import GPU, GPU_RESOURCE, node_labels


def gpu_pool(max_nodes: int = 8, zones: tuple[str, ...] = ()) -> NodePool:
    found = instance_type("g6.4xlarge")
    return NodePool(
        node_class="gpu",
        instance_type=found,
        max_nodes=max_nodes,
        capacity=Spot(),
        labels=node_labels(GPU, found),
        taint=GPU.taint,
        zones=zones,
    )


def requirements(pool: NodePool) -> dict[str, list[str]]:
    return {item["key"]: item["values"] for item in pool.spec()["template"]["spec"]["requirements"]}


def test_the_pool_starts_from_zero_and_ends_at_its_limit() -> None:
    spec = gpu_pool(8).spec()
    assert "replicas" not in spec
    assert spec["limits"] == {"cpu": "128", "memory": "512Gi", GPU_RESOURCE: "8"}


@given(st.sampled_from(TYPES), st.integers(min_value=1, max_value=100))
def test_the_limit_holds_exactly_the_nodes_that_were_asked_for(found: InstanceType, max_nodes: int) -> None:
    pool = NodePool(
        node_class="p", instance_type=found, max_nodes=max_nodes, capacity=OnDemand(), labels={}, taint=GPU.taint
    )
    limits = pool.limits()
    assert int(limits["cpu"]) // found.vcpus == max_nodes
    assert (GPU_RESOURCE in limits) == bool(found.gpus)


def test_nodes_are_of_one_type_in_the_zones_that_are_named() -> None:
    assert requirements(gpu_pool()) == {
        "node.kubernetes.io/instance-type": ["g6.4xlarge"],
        "kubernetes.io/arch": ["amd64"],
        "kubernetes.io/os": ["linux"],
        "karpenter.sh/capacity-type": ["spot", "on-demand"],
    }
    assert requirements(gpu_pool(zones=("us-west-2a",)))["topology.kubernetes.io/zone"] == ["us-west-2a"]


def test_only_empty_nodes_go_by_themselves() -> None:
    disruption = gpu_pool().spec()["disruption"]
    assert disruption["consolidationPolicy"] == "WhenEmpty"
    assert disruption["consolidateAfter"] == "300s"
    assert disruption["budgets"] == [{"nodes": "100%", "reasons": ["Empty"]}, {"nodes": "1", "reasons": ["Drifted"]}]


def test_nodes_carry_labels_taint_and_age() -> None:
    template = gpu_pool().spec()["template"]
    assert template["metadata"]["labels"]["stillhouse.dev/pool"] == "gpu"
    assert template["spec"]["taints"] == [GPU.taint.body()]
    assert template["spec"]["expireAfter"] == "720h"
    assert template["spec"]["nodeClassRef"] == {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}


def test_wrong_pools_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more, or no pool at all"):
        gpu_pool(0)
    with pytest.raises(ValueError, match="allowed are 30 or more"):
        Disruption(consolidate_after_seconds=5)
    with pytest.raises(ValueError, match="allowed are 24 or more"):
        Disruption(expire_after_hours=1)
