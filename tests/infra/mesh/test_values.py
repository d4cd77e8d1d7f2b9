"""The mesh's settings, and histograms that are fine around the latency goal."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infra.mesh.values import cni_values, histogram_annotation, histogram_buckets, istiod_values, mesh_config
from infra.pods import Resources
from tests.infra.in_cluster import body, captured

SMALL = Resources(cpu_millicores=10, memory_mib=32)


@given(st.integers(5, 10_000))
def test_the_goal_is_a_bucket_and_its_neighbours_are_near(goal_ms: int) -> None:
    buckets = histogram_buckets(goal_ms)
    assert goal_ms in buckets
    assert all(low < high for low, high in pairwise(buckets))
    place = buckets.index(goal_ms)
    assert buckets[place] - buckets[place - 1] <= 0.051 * goal_ms
    assert buckets[place + 1] - buckets[place] <= 0.051 * goal_ms
    assert buckets[-1] == 10 * goal_ms


def test_pods_carry_the_buckets_as_istio_reads_them() -> None:
    (text,) = histogram_annotation(100).values()
    assert json.loads(text) == {"istiocustom": histogram_buckets(100)}


def test_what_is_not_registered_is_not_reached_and_paths_are_normal() -> None:
    config = mesh_config()
    assert config["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert config["pathNormalization"] == {"normalization": "DECODE_AND_MERGE_SLASHES"}
    assert config["meshMTLS"]["minProtocolVersion"] == "TLSV1_3"
    assert config["accessLogEncoding"] == "JSON"
    assert config["defaultConfig"]["holdApplicationUntilProxyStarts"] is True
    assert config["defaultConfig"]["proxyMetadata"]["ISTIO_META_DNS_CAPTURE"] == "true"


def test_no_pod_changes_its_own_network() -> None:
    values = istiod_values(replicas=2, resources=SMALL)
    assert values["cni"] == {"enabled": True}
    assert values["global"]["proxy"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert cni_values(SMALL)["ambient"] == {"enabled": False}


def test_one_istiod_has_no_budget_that_would_block_its_node() -> None:
    assert istiod_values(replicas=1, resources=SMALL)["global"]["defaultPodDisruptionBudget"] == {"enabled": False}
    assert istiod_values(replicas=2, resources=SMALL)["global"]["defaultPodDisruptionBudget"] == {"enabled": True}


def test_the_whole_mesh_is_strict_and_allows_nothing() -> None:
    run = captured()
    strict = body(run.one("kubernetes:security.istio.io/v1:PeerAuthentication"))
    assert strict["metadata"]["namespace"] == "istio-system"
    assert strict["spec"] == {"mtls": {"mode": "STRICT"}}
    nothing = body(run.one("kubernetes:security.istio.io/v1:AuthorizationPolicy", "mesh-allow-nothing"))
    assert nothing["metadata"]["namespace"] == "istio-system"
    assert nothing.get("spec", {}) == {}


def test_debug_and_plain_discovery_ports_stay_closed() -> None:
    policies = captured().of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    inward = [body(found)["spec"] for found in policies if found.name.startswith("mesh-namespace-")]
    opened = {port["port"] for spec in inward for rule in spec.get("ingress", []) for port in rule.get("ports", [])}
    assert opened == {15012, 15017, 15014}
