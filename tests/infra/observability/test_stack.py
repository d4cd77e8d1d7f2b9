"""Prometheus and what surrounds it: kept within its volume, fed from every namespace, blind to secrets."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from infra.observability.args import ObservabilityArgs
from infra.observability.monitors import monitor_spec, monitors
from infra.observability.stack import Observability
from infra.observability.values import prometheus_spec, stack_values
from stacks.capture.fakes_kubernetes import FAKES
from stacks.capture.run import capture
from stacks.capture.values import Secret
from tests.infra.in_cluster import ALERT_ADDRESS, body, captured

ARGS = ObservabilityArgs(retention_days=15, storage_gib=50, serving_namespace="models")


def test_metrics_go_before_the_volume_is_full() -> None:
    spec = prometheus_spec(ARGS)
    assert spec["retention"] == "15d"
    assert spec["retentionSize"] == "43520MiB"
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "gp3"
    assert claim["resources"] == {"requests": {"storage": "50Gi"}}


def test_objects_of_every_namespace_are_heard() -> None:
    spec = prometheus_spec(ARGS)
    assert all(
        spec[f"{kind}SelectorNilUsesHelmValues"] is False for kind in ("rule", "podMonitor", "serviceMonitor", "probe")
    )


def test_nothing_reads_all_secrets() -> None:
    values = stack_values(ARGS)
    assert "secrets" in values["kube-state-metrics"]["collectorsExclude"]
    assert values["grafana"]["rbac"] == {"namespaced": True}
    sidecar = values["grafana"]["sidecar"]
    assert {sidecar["dashboards"]["searchNamespace"], sidecar["datasources"]["searchNamespace"]} == {"monitoring"}


@pytest.mark.parametrize(("replicas", "budget"), [(1, False), (2, True)])
def test_one_copy_has_no_budget_that_would_block_its_node(replicas: int, budget: bool) -> None:
    values = stack_values(replace(ARGS, replicas=replicas))
    assert values["prometheus"]["podDisruptionBudget"]["enabled"] is budget
    assert values["alertmanager"]["podDisruptionBudget"]["enabled"] is budget


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replicas": 0}, "1 to 3 replicas"),
        ({"retention_days": 0}, "a day or more"),
        ({"storage_gib": 4}, "5 GiB or more"),
        ({"dashboards": {"Endpoint.JSON": "{}"}}, "lower-case file names"),
        ({"dashboards": {"a.json": "x" * 921_601}}, "900 KiB"),
    ],
)
def test_bad_arguments_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=rf"\(got .*{words}"):
        replace(ARGS, **changes)


def test_the_receivers_address_is_in_one_secret_and_stays_secret() -> None:
    run = captured()
    receiver = run.one("kubernetes:core/v1:Secret", "monitoring-receiver")
    data = receiver.inputs["stringData"]
    assert isinstance(data, Secret) or all(isinstance(value, Secret) for value in data.values())  # type: ignore[union-attr]
    assert body(receiver)["stringData"] == {"address": ALERT_ADDRESS}
    others = [found for found in run.resources if found.urn != receiver.urn]
    assert ALERT_ADDRESS not in repr([body(found) for found in others])
    assert ALERT_ADDRESS not in repr(run.resources)


def test_the_secret_is_mounted_where_the_configuration_looks() -> None:
    release = body(captured().one("kubernetes:helm.sh/v3:Release", "monitoring-stack"))["values"]["alertmanager"]
    assert release["alertmanagerSpec"]["secrets"] == ["alert-receiver"]
    assert "/etc/alertmanager/secrets/alert-receiver/address" in repr(release["config"])


def test_dashboards_and_rules_arrive() -> None:
    run = captured()
    dashboard = body(run.one("kubernetes:core/v1:ConfigMap", "monitoring-dashboard-endpoint"))
    assert dashboard["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert dashboard["data"] == {"endpoint.json": '{"title": "endpoint"}'}
    rules = run.one("kubernetes:monitoring.coreos.com/v1:PrometheusRule")
    assert body(rules)["spec"]["groups"][0]["name"] == "endpoint"
    assert run.one("kubernetes:helm.sh/v3:Release", "monitoring-stack").urn in rules.depends_on


def test_it_works_with_no_dashboard_no_rule_and_no_receiver() -> None:
    run = capture(lambda: pulumi.export("name", Observability("bare", ARGS).namespace), fakes=FAKES)
    assert run.outputs["name"] == "monitoring"
    assert not run.of_type("kubernetes:core/v1:Secret")
    assert not run.of_type("kubernetes:core/v1:ConfigMap")
    assert len(run.of_type("kubernetes:monitoring.coreos.com/v1:PodMonitor")) == len(monitors(ARGS))


def test_envoys_are_scraped_at_their_own_port_and_thinned() -> None:
    specs = {monitor.name: monitor_spec(monitor) for monitor in monitors(ARGS)}
    for name, namespace in (("gateway", "istio-ingress"), ("sidecars", "models")):
        (endpoint,) = specs[name]["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["path"]) == ("http-envoy-prom", "/stats/prometheus")
        assert endpoint["metricRelabelings"][0]["action"] == "keep"
        assert specs[name]["namespaceSelector"] == {"matchNames": [namespace]}


def test_requests_grow_with_replicas() -> None:
    counts = {asked.name: asked.count for asked in replace(ARGS, replicas=2).requests()}
    assert counts["monitoring-prometheus"] == counts["monitoring-alertmanager"] == 2
    assert counts["monitoring-grafana"] == 1
