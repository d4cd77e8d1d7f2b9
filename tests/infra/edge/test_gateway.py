"""The gateway's values and its listener: internal, TLS only, one hostname."""

import json
from dataclasses import replace

import pytest

from infra.certificates.authority import Issuer
from infra.edge.args import EdgeArgs
from infra.edge.gateway import gateway_spec, gateway_values, load_balancer_annotations
from tests.infra.in_cluster import HOSTNAME, LIMITS, TOKEN

PREFIX = "service.beta.kubernetes.io/aws-load-balancer"
ARGS = EdgeArgs(
    hostname=HOSTNAME,
    issuer=Issuer(name="authority"),
    token=TOKEN,
    limits=LIMITS,
    serving_namespace="models",
    latency_goal_ms=100,
    tags={"owner": "team", "app": "stillhouse"},
)
ACM = "arn:aws:acm:us-west-2:123456789012:certificate/0a1b"


def test_the_load_balancer_is_internal_and_talks_to_pods() -> None:
    annotations = load_balancer_annotations(ARGS)
    assert annotations[f"{PREFIX}-scheme"] == "internal"
    assert annotations[f"{PREFIX}-nlb-target-type"] == "ip"
    assert annotations[f"{PREFIX}-healthcheck-path"] == "/healthz/ready"
    assert annotations[f"{PREFIX}-additional-resource-tags"] == "app=stillhouse,owner=team"
    assert f"{PREFIX}-ssl-cert" not in annotations
    assert "external-dns.alpha.kubernetes.io/hostname" not in annotations


def test_a_listener_certificate_ends_tls_and_begins_it_anew() -> None:
    annotations = load_balancer_annotations(replace(ARGS, listener_certificate_arn=ACM))
    assert annotations[f"{PREFIX}-ssl-cert"] == ACM
    assert annotations[f"{PREFIX}-backend-protocol"] == "ssl"
    assert "TLS13-1-2" in str(annotations[f"{PREFIX}-ssl-negotiation-policy"])


def test_dns_is_published_when_asked() -> None:
    annotations = load_balancer_annotations(replace(ARGS, publish_dns=True))
    assert annotations["external-dns.alpha.kubernetes.io/hostname"] == HOSTNAME


def test_one_port_and_no_node_ports() -> None:
    service = gateway_values(ARGS)["service"]
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(443, 8443)]
    assert service["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert service["allocateLoadBalancerNodePorts"] is False


def test_the_listener_answers_one_hostname_for_one_namespace_over_tls() -> None:
    (server,) = gateway_spec(ARGS, secret="s")["servers"]
    assert server["hosts"] == [f"models/{HOSTNAME}"]
    assert server["port"]["protocol"] == "HTTPS"
    assert server["tls"]["minProtocolVersion"] == "TLSV1_2"


def test_behind_a_load_balancer_that_ends_tls_no_name_is_asked_but_the_namespace_stays() -> None:
    (server,) = gateway_spec(replace(ARGS, listener_certificate_arn=ACM), secret="s")["servers"]
    assert server["hosts"] == ["models/*"]
    assert server["tls"]["mode"] == "SIMPLE"


def test_pods_survive_a_node_and_drain() -> None:
    values = gateway_values(ARGS)
    assert (values["autoscaling"]["minReplicas"], values["autoscaling"]["maxReplicas"]) == (2, 6)
    assert values["podDisruptionBudget"] == {"maxUnavailable": 1}
    assert {spread["topologyKey"] for spread in values["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    config = json.loads(values["podAnnotations"]["proxy.istio.io/config"])
    drain_s = int(config["terminationDrainDuration"].removesuffix("s"))
    (attributes,) = (v for k, v in load_balancer_annotations(ARGS).items() if k.endswith("target-group-attributes"))
    assert int(str(attributes).partition("timeout_seconds=")[2]) < drain_s < values["terminationGracePeriodSeconds"]
    assert values["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_connections_are_limited() -> None:
    config = json.loads(gateway_values(ARGS)["podAnnotations"]["proxy.istio.io/config"])
    assert config["proxyMetadata"]["ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS"] == "10000"


@pytest.mark.parametrize(("replicas", "most"), [(1, None), (3, 5)])
def test_requests_count_the_least_pods(replicas: int, most: int | None) -> None:
    (asked,) = replace(ARGS, replicas=replicas, max_replicas=most).requests()
    assert (asked.name, asked.count) == ("istio-ingress", replicas)
