"""Who may call a version's pods, and how the gateway treats them."""

import pytest

from infra.release.callers import Callers, authorization_policy_spec
from infra.release.pod_shape import PodShape
from infra.release.traffic_policy import TrafficPolicy, destination_rule_spec


def test_the_gateway_may_score_and_prometheus_may_scrape_and_nobody_else_may_anything() -> None:
    body = authorization_policy_spec("churn-v1", "churn", Callers(gateway="gateway-id", prometheus="prometheus-id"))
    assert body["selector"] == {"matchLabels": {"serving.kserve.io/inferenceservice": "churn-v1"}}
    assert body["action"] == "ALLOW"
    by_caller = {rule["from"][0]["source"]["principals"][0]: rule["to"] for rule in body["rules"]}
    assert by_caller["prometheus-id"] == [{"operation": {"methods": ["GET"], "paths": ["/metrics"], "ports": ["8002"]}}]
    assert [operation["operation"]["paths"] for operation in by_caller["gateway-id"]] == [
        ["/v2/models/churn/infer"],
        ["/v2/models/churn/ready"],
        ["/v2/models/churn"],
    ]
    assert by_caller.keys() == {"gateway-id", "prometheus-id"}


def test_a_version_is_called_encrypted_within_limits_and_without_failing_pods() -> None:
    policy = destination_rule_spec("churn-v1-predictor", TrafficPolicy(max_requests=7))["trafficPolicy"]
    assert policy["tls"] == {"mode": "ISTIO_MUTUAL"}
    assert policy["connectionPool"]["http"]["http2MaxRequests"] == 7
    assert policy["outlierDetection"]["consecutiveGatewayErrors"] == 5
    assert policy["outlierDetection"]["maxEjectionPercent"] == 50


def test_bad_limits_are_refused() -> None:
    with pytest.raises(ValueError, match=r"max_ejected_percent: \(got 101\)"):
        TrafficPolicy(max_ejected_percent=101)
    with pytest.raises(ValueError, match="limits of 1 and more"):
        TrafficPolicy(max_connections=0)
    with pytest.raises(ValueError, match=r"got 0 cores"):
        PodShape(compute="cpu", cpu=0, memory_gib=1)
