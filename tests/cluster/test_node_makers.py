"""The rendered pool on KWOK is the rendered pool, but for two named things."""

from typing import Any

import pytest

from infra.nodes.capacity import OnDemand, Spot
from infra.nodes.instance_types import instance_type
from infra.nodes.node_pool import NodePool
from infra.nodes.placement import CPU, GPU, Placement, node_labels
from tests.cluster.node_makers import machine_of, on_kwok


def rendered(placement: Placement, name: str, capacity: OnDemand | Spot) -> dict[str, Any]:
    pool = NodePool(
        node_class=placement.pool,
        instance_type=instance_type(name),
        max_nodes=4,
        capacity=capacity,
        labels=node_labels(placement, instance_type(name)),
        taint=placement.taint,
    )
    metadata = {"name": placement.pool}
    return {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": metadata, "spec": pool.spec()}


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            found
            for key in one.keys() | other.keys()
            for found in differences(one.get(key), other.get(key), f"{path}.{key}")
        }
    return set() if one == other else {path}


def test_only_the_machines_class_and_the_wait_are_changed() -> None:
    pool = rendered(GPU, "g6.4xlarge", OnDemand())
    class_ref = ".spec.template.spec.nodeClassRef"
    assert differences(pool, on_kwok(pool)) == {
        f"{class_ref}.group",
        f"{class_ref}.kind",
        f"{class_ref}.name",
        ".spec.disruption.consolidateAfter",
    }
    assert pool["spec"]["template"]["spec"]["nodeClassRef"]["kind"] == "EC2NodeClass"


@pytest.mark.parametrize(
    ("placement", "name", "capacity", "offers", "gpus"),
    [(GPU, "g6.4xlarge", OnDemand(), 2, "1"), (CPU, "m5.2xlarge", OnDemand(), 2, None)],
)
def test_a_machine_is_what_the_pool_asks_for(
    placement: Placement, name: str, capacity: OnDemand, offers: int, gpus: str | None
) -> None:
    type_ = instance_type(name)
    offer = machine_of(rendered(placement, name, capacity), type_, ["a", "b"]).offer()
    assert offer["name"] == name
    assert offer["resources"]["cpu"] == str(type_.vcpus)
    assert offer["resources"]["memory"] == f"{type_.memory_gib}Gi"
    assert offer["resources"].get("nvidia.com/gpu") == gpus
    assert len(offer["offerings"]) == offers


def test_another_type_than_the_pool_asks_for_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        machine_of(rendered(GPU, "g6.4xlarge", OnDemand()), instance_type("g6.xlarge"), ["a"])
