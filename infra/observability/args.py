"""What is kept, for how long, and what it asks of the nodes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra import versions
from infra.observability.alerting import AlertReceiver
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAMESPACE = "monitoring"
NODE_NAMESPACE = "node-exporter"
PREFIX = "monitoring"
"""Begins every name of the release: `monitoring-prometheus`, `monitoring-alertmanager`."""
_DASHBOARD = re.compile(r"^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?\.json$")
_LARGEST_DASHBOARD = 900 * 1024
_PROMETHEUS = Resources(cpu_millicores=200, memory_mib=1024, memory_limit_mib=3072)
_SMALL = Resources(cpu_millicores=20, memory_mib=64, memory_limit_mib=192)
_GRAFANA = Resources(cpu_millicores=50, memory_mib=192, memory_limit_mib=512)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservabilityArgs:
    """Prometheus, Alertmanager, Grafana and what they are given."""

    retention_days: int
    storage_gib: int
    """Of each Prometheus; the oldest metrics go before the volume is full."""
    replicas: int = 1
    """Copies of Prometheus and of Alertmanager."""
    storage_class: str = "gp3"
    gateway_namespace: str = "istio-ingress"
    serving_namespace: str
    mesh_namespace: str = "istio-system"
    asked_from: Sequence[str] = ("keda",)
    """Namespaces whose pods may query Prometheus."""
    dashboards: Mapping[str, str] = field(default_factory=dict)
    """File name, e.g. `endpoint.json` -> the dashboard as JSON text; none is fine."""
    rules: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Name -> groups of recording and alerting rules, as Prometheus has them; none is fine."""
    receiver: AlertReceiver | None = None
    """None: alerts are only shown."""
    prometheus: Resources = _PROMETHEUS
    grafana: Resources = _GRAFANA
    small: Resources = _SMALL
    """Of every other container."""
    chart: Chart = versions.PROMETHEUS_STACK

    def __post_init__(self) -> None:
        for name, text in self.dashboards.items():
            if not _DASHBOARD.match(name):
                raise ValueError(f"dashboards: (got {name}); allowed are lower-case file names that end in .json")
            if len(text.encode()) > _LARGEST_DASHBOARD:
                raise ValueError(f"dashboards: {name}: (got {len(text.encode())} bytes); allowed are 900 KiB")
        if not 1 <= self.replicas <= 3 or self.retention_days < 1 or self.storage_gib < 5:
            raise ValueError(
                f"observability: (got {self.replicas} replicas, {self.retention_days} days, {self.storage_gib} GiB); "
                "allowed are 1 to 3 replicas, a day or more, 5 GiB or more"
            )

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the nodes."""
        return (
            pods(f"{PREFIX}-prometheus", self.prometheus, self.small, count=self.replicas),
            pods(f"{PREFIX}-alertmanager", self.small, self.small, count=self.replicas),
            pods(f"{PREFIX}-operator", self.small),
            pods(f"{PREFIX}-grafana", self.grafana, self.small, self.small),
            pods(f"{PREFIX}-kube-state-metrics", self.small),
            pods(f"{PREFIX}-prometheus-node-exporter", self.small, per_node=True),
        )
