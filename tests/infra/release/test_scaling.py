"""Scaling: what KServe is told, what KEDA and Kubernetes are, and what no cluster would honour."""

import pytest

from infra.release.scaling import (
    ByCpu,
    ByRequests,
    Fixed,
    Replicas,
    Scaling,
    autoscaler_class,
    check_scaling,
    request_rate_query,
    scaled_object_spec,
)

BY_REQUESTS = ByRequests(per_replica_per_second=600, prometheus_url="http://prometheus:9090", gateway_namespace="edge")


@pytest.mark.parametrize(
    ("scaling", "told"), [(Fixed(), "none"), (ByCpu(percent=60), "external"), (BY_REQUESTS, "external")]
)
def test_kserve_sets_replicas_only_where_nothing_else_does(scaling: Scaling, told: str) -> None:
    assert autoscaler_class(scaling) == told


@pytest.mark.parametrize("scaling", [Fixed(), ByCpu(percent=60)])
def test_only_requests_can_wake_a_version(scaling: Scaling) -> None:
    with pytest.raises(ValueError, match=r"got min 0 .*allowed is 0 only with ByRequests"):
        check_scaling(Replicas(min=0, max=2), scaling)
    check_scaling(Replicas(min=0, max=2), BY_REQUESTS)


def test_a_fixed_number_is_one_number() -> None:
    with pytest.raises(ValueError, match="allowed with Fixed is one number"):
        check_scaling(Replicas(min=1, max=2), Fixed())


@pytest.mark.parametrize(("least", "most"), [(-1, 1), (2, 1), (0, 0)])
def test_impossible_replicas_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match=rf"got {least} to {most}"):
        Replicas(min=least, max=most)


def test_the_query_counts_at_the_gateway_and_tells_silence_from_blindness() -> None:
    query = request_rate_query("churn-v1", "edge")
    assert query == (
        'sum(rate(istio_requests_total{reporter="source",destination_service_name="churn-v1-predictor"}[60s]))'
        ' or max(up{namespace="edge"} == 1) * 0'
    )


@pytest.mark.parametrize(("least", "kept"), [(0, 1), (3, 3)])
def test_a_failed_metric_takes_no_replica_away(least: int, kept: int) -> None:
    body = scaled_object_spec("churn-v1", Replicas(min=least, max=5), BY_REQUESTS)
    assert body["fallback"] == {"failureThreshold": 3, "replicas": kept, "behavior": "currentReplicasIfHigher"}
    assert body["triggers"][0]["metadata"]["ignoreNullValues"] == "false"
    assert (body["minReplicaCount"], body["maxReplicaCount"]) == (least, 5)
    assert body["scaleTargetRef"]["name"] == "churn-v1-predictor"
