"""What Prometheus scrapes besides the chart's own: Envoy at the gateway and beside the models, istiod, controllers.

Triton's own metrics are scraped by the PodMonitor of each endpoint, which knows its versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.observability.args import ObservabilityArgs

ENVOY_PORT = "http-envoy-prom"
_ENVOY_PATH = "/stats/prometheus"
_KEPT = "istio_.*|envoy_cluster_upstream_(cx|rq)_.*|envoy_server_(live|memory_.*|uptime)|envoy_http_local_rate_limit_.*"
"""Of the thousands of series of an Envoy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitor:
    """One PodMonitor."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    """Of the pods."""
    port: str
    """Name of the container's port."""
    path: str = "/metrics"
    kept: str | None = None
    """Regular expression of the metrics that are kept; None: all."""


CONTROLLERS = (
    Monitor(
        name="cert-manager",
        namespace="cert-manager",
        labels={"app.kubernetes.io/instance": "cert-manager", "app.kubernetes.io/component": "controller"},
        port="http-metrics",
    ),
    Monitor(name="keda", namespace="keda", labels={"app": "keda-operator"}, port="metrics"),
    Monitor(
        name="karpenter",
        namespace="kube-system",
        labels={"app.kubernetes.io/name": "karpenter"},
        port="http-metrics",
    ),
    Monitor(
        name="load-balancer-controller",
        namespace="kube-system",
        labels={"app.kubernetes.io/name": "aws-load-balancer-controller"},
        port="metrics-server",
    ),
)
"""Certificates that expire, pools at their limit and balancers that cannot be made are seen here first."""


def monitors(args: ObservabilityArgs) -> tuple[Monitor, ...]:
    """All of them; each lies in the namespace of Prometheus and looks into another."""
    return (
        Monitor(
            name="gateway",
            namespace=args.gateway_namespace,
            labels={"istio": "ingress"},
            port=ENVOY_PORT,
            path=_ENVOY_PATH,
            kept=_KEPT,
        ),
        Monitor(
            name="sidecars",
            namespace=args.serving_namespace,
            labels={"security.istio.io/tlsMode": "istio"},
            port=ENVOY_PORT,
            path=_ENVOY_PATH,
            kept=_KEPT,
        ),
        Monitor(name="istiod", namespace=args.mesh_namespace, labels={"app": "istiod"}, port="http-monitoring"),
        *CONTROLLERS,
    )


def monitor_spec(monitor: Monitor) -> dict[str, Any]:
    """The body of the PodMonitor."""
    endpoint: dict[str, Any] = {"port": monitor.port, "path": monitor.path}
    if monitor.kept:
        endpoint["metricRelabelings"] = [
            {"sourceLabels": ["__name__"], "regex": monitor.kept, "action": "keep"},
        ]
    return {
        "namespaceSelector": {"matchNames": [monitor.namespace]},
        "selector": {"matchLabels": dict(monitor.labels)},
        "podMetricsEndpoints": [endpoint],
    }
