"""Workers, volumes and load balancers are found in the objects and the charts' values."""

import pytest

from stacks.bill.kubernetes_rules import KUBERNETES_RULES, nodes_at_limit
from stacks.bill.line import Cases
from stacks.capture.values import Secret, Value
from tests.stacks.bill.samples import context, node_class, node_pool, resource


def test_a_pools_limit_is_read_from_the_object() -> None:
    assert nodes_at_limit(node_pool(nodes=8)) == 8
    assert nodes_at_limit(node_pool("cpu", "m5.2xlarge", nodes=2, vcpus=8)) == 2


def test_the_tightest_limit_counts() -> None:
    pool = node_pool(nodes=8)
    spec = pool.inputs["spec"]
    assert isinstance(spec, dict)
    spec["limits"]["nvidia.com/gpu"] = "3"
    assert nodes_at_limit(pool) == 3


def test_workers_cost_nothing_while_nothing_serves() -> None:
    pool, disk = node_pool(), node_class()
    lines = KUBERNETES_RULES[pool.type](pool, context(pool, disk))
    assert lines[0].quantity == Cases(fixed=0, minimum=4, expected=5, maximum=8)
    assert sum(line.usd_per_month.fixed for line in lines) == 0
    assert sum(line.usd_per_month.maximum for line in lines) == pytest.approx(8 * (1.3232 * 730 + 8 + 19))


def test_only_the_tiers_main_workers_are_what_the_reference_counts() -> None:
    pool, disk = node_pool("cpu", "m5.2xlarge", nodes=1, vcpus=8), node_class("cpu")
    for_high = KUBERNETES_RULES[pool.type](pool, context(pool, disk, tier="high"))
    for_low = KUBERNETES_RULES[pool.type](pool, context(pool, disk, tier="low"))
    assert [line.in_reference for line in for_high] == [False, False, False]
    assert [line.in_reference for line in for_low] == [True, False, False]


RELEASE = "kubernetes:helm.sh/v3:Release"


def _storage(size: str) -> Value:
    return {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": size}}}}}


@pytest.mark.parametrize(
    ("values", "gib"),
    [
        ({"prometheus": {"prometheusSpec": {"replicas": 2, "storageSpec": _storage("100Gi")}}}, 200),
        ({"alertmanager": {"alertmanagerSpec": {"storage": _storage("5Gi")}}}, 5),
        ({"grafana": {"persistence": {"enabled": True, "size": "10Gi"}}}, 10),
        ({"grafana": {"persistence": {"enabled": False, "size": "10Gi"}}}, 0),
        ({"replicas": 3}, 0),
    ],
)
def test_a_charts_volumes_are_found_in_its_values(values: Value, gib: float) -> None:
    chart = resource(RELEASE, "chart", {"values": values})
    lines = KUBERNETES_RULES[RELEASE](chart, context(chart))
    assert sum(line.usd_per_month.fixed for line in lines) == pytest.approx(gib * 0.08)


def test_a_load_balancer_is_found_by_its_type_also_inside_a_secret() -> None:
    service: Value = {"type": "LoadBalancer", "ports": []}
    for values in ({"service": service}, {"service": Secret(service)}):
        chart = resource(RELEASE, "gateway", {"values": values})
        lines = KUBERNETES_RULES[RELEASE](chart, context(chart))
        assert sum(line.usd_per_month.fixed for line in lines) == pytest.approx(16.425 + 2 * 4.38)
        assert all(line.in_reference for line in lines)


def test_a_claim_object_is_a_volume() -> None:
    spec: Value = {"resources": {"requests": {"storage": "20Gi"}}}
    claim = resource("kubernetes:core/v1:PersistentVolumeClaim", "claim", {"spec": spec})
    assert KUBERNETES_RULES[claim.type](claim, context(claim))[0].usd_per_month.fixed == pytest.approx(1.6)
