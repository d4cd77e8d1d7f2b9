"""KEDA: scales predictors by what Prometheus knows, down to zero where a release says so."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra import versions
from infra.chart import release_in_namespace
from infra.namespaces import NamespaceArgs
from infra.network_rules import Allow, Port, dns, metrics, to_https, webhook, within
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAMESPACE = "keda"
_WEBHOOK_PORT = 9443
_METRICS_API_PORT = 6443
_METRICS_PORT = 8080

_RESOURCES = Resources(cpu_millicores=50, memory_mib=128)


@dataclass(frozen=True, kw_only=True, slots=True)
class KedaArgs:
    """How big, and where Prometheus is."""

    prometheus_namespace: str = "monitoring"
    operator_replicas: int = 1
    """Of two one is a spare that waits for the lease."""
    keep_crds: bool = True
    """Whether the CRDs, and so every ScaledObject, outlive the release."""
    resources: Resources = _RESOURCES
    """Of each pod."""
    chart: Chart = versions.KEDA

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the system nodes."""
        return (
            pods("keda-operator", self.resources, count=self.operator_replicas),
            pods("keda-operator-metrics-apiserver", self.resources),
            pods("keda-admission-webhooks", self.resources),
        )


class Keda(pulumi.ComponentResource):
    """KEDA in its namespace."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:keda:Keda", name, None, opts)
        namespace = NamespaceArgs(namespace=NAMESPACE, allow=keda_network(args))
        self.namespace, self.release = release_in_namespace(
            self, name, args.chart, namespace=namespace, values=keda_values(args)
        )
        self.register_outputs({"namespace": self.namespace})


def keda_network(args: KedaArgs) -> tuple[Allow, ...]:
    """API server to the webhook and the metrics API; the operator to Prometheus."""
    prometheus = Allow(
        name="prometheus", incoming=False, ports=(Port(number=9090),), namespaces=(args.prometheus_namespace,)
    )
    return (
        dns(),
        to_https(),
        *within(NAMESPACE),
        webhook(_WEBHOOK_PORT),
        webhook(_METRICS_API_PORT),
        metrics(_METRICS_PORT, prometheus_namespace=args.prometheus_namespace),
        prometheus,
    )


def keda_values(args: KedaArgs) -> dict[str, Any]:
    """The chart's values."""
    resources = args.resources.values()
    keep = {"helm.sh/resource-policy": "keep"} if args.keep_crds else {}
    return {
        "crds": {"install": True, "additionalAnnotations": keep},
        "operator": {"replicaCount": args.operator_replicas},
        "resources": {"operator": resources, "metricServer": resources, "webhooks": resources},
        "image": {"pullPolicy": "IfNotPresent"},
        "enableServiceLinks": False,
        # Triggers name Prometheus; no trigger of ours needs a secret of another namespace.
        "permissions": {"metricServer": {"restrict": {"secret": True}}, "operator": {"restrict": {"secret": True}}},
        # Deployments need no more than the chart's fixed rules.
        "rbac": {"enabledCustomScaledRefKinds": False},
        "prometheus": {
            "operator": {"enabled": True, "port": _METRICS_PORT},
            "metricServer": {"enabled": True, "port": _METRICS_PORT},
        },
    }
