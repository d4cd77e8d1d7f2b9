"""kube-prometheus-stack and what it needs around it: namespaces, the receiver, dashboards, rules, monitors."""

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.chart import release
from infra.manifest import custom
from infra.namespaces import Namespace, NamespaceArgs, PodSecurity
from infra.network_rules import Allow, Port, dns, to_https, webhook, within
from infra.observability.alerting import KEY, SECRET
from infra.observability.args import NAMESPACE, NODE_NAMESPACE, PREFIX, ObservabilityArgs
from infra.observability.monitors import monitor_spec, monitors
from infra.observability.values import DASHBOARD_LABEL, stack_values

_MONITORING_API = "monitoring.coreos.com/v1"
_OPERATOR_WEBHOOK_PORT = 10250
_SCRAPED_PORTS = (80, 443, 4443, 8000, 8002, 8080, 8383, 8443, 9090, 9100, 9153, 9400, 9402, 10250, 15014, 15020, 15090)
"""Where anything in the cluster shows metrics, the nodes' kubelets among them."""


class Observability(pulumi.ComponentResource):
    """Metrics and alerts. What makes PodMonitors or rules depends on it, for their CRDs and webhook."""

    namespace: pulumi.Output[str]
    prometheus_address: pulumi.Output[str]
    """Inside the cluster."""
    prometheus_principal: pulumi.Output[str]
    """Identity of Prometheus's service account, as AuthorizationPolicies name it; it is not in the mesh."""
    release: pulumi.Resource

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:observability:Observability", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = Namespace(
            f"{name}-namespace", NamespaceArgs(namespace=NAMESPACE, allow=monitoring_network(args)), child
        )
        nodes = Namespace(
            f"{name}-node-namespace",
            NamespaceArgs(
                namespace=NODE_NAMESPACE,
                pod_security=PodSecurity.PRIVILEGED,
                why_not_restricted="node-exporter reads the node's network, processes and file systems",
            ),
            child,
        )
        self.namespace = namespace.name
        before: list[pulumi.Resource] = [namespace, nodes]
        if args.receiver is not None:
            before.append(
                core.Secret(
                    f"{name}-receiver",
                    metadata=ObjectMetaArgs(name=SECRET, namespace=self.namespace),
                    string_data={KEY: pulumi.Output.secret(args.receiver.secret)},
                    opts=child,
                )
            )
        self.release = release(
            f"{name}-stack",
            args.chart,
            namespace=self.namespace,
            values=stack_values(args),
            release_name=PREFIX,
            timeout_s=900,
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
        self._contents(name, args)
        self.prometheus_address = pulumi.Output.concat("http://", PREFIX, "-prometheus.", self.namespace, ".svc:9090")
        self.prometheus_principal = pulumi.Output.concat(
            "cluster.local/ns/", self.namespace, "/sa/", PREFIX, "-prometheus"
        )
        self.register_outputs(
            {
                "namespace": self.namespace,
                "prometheus_address": self.prometheus_address,
                "prometheus_principal": self.prometheus_principal,
            }
        )

    def _contents(self, name: str, args: ObservabilityArgs) -> None:
        """Dashboards, rules and monitors: all of them data."""
        for file, text in sorted(args.dashboards.items()):
            slug = file.removesuffix(".json")
            core.ConfigMap(
                f"{name}-dashboard-{slug}",
                metadata=ObjectMetaArgs(
                    name=f"dashboard-{slug}", namespace=self.namespace, labels={DASHBOARD_LABEL: "1"}
                ),
                data={file: text},
                opts=pulumi.ResourceOptions(parent=self),
            )
        judged = pulumi.ResourceOptions(parent=self, depends_on=[self.release])
        for rules, groups in sorted(args.rules.items()):
            custom(
                f"{name}-rules-{rules}",
                api_version=_MONITORING_API,
                kind="PrometheusRule",
                name=rules,
                namespace=self.namespace,
                spec={"groups": [dict(group) for group in groups]},
                opts=judged,
            )
        for monitor in monitors(args):
            custom(
                f"{name}-monitor-{monitor.name}",
                api_version=_MONITORING_API,
                kind="PodMonitor",
                name=monitor.name,
                namespace=self.namespace,
                spec=monitor_spec(monitor),
                opts=judged,
            )


def monitoring_network(args: ObservabilityArgs) -> tuple[Allow, ...]:
    """Among themselves, to whatever shows metrics, and to Prometheus from those who decide by it."""
    scraped = Allow(
        name="scrape",
        incoming=False,
        ports=tuple(Port(number=number) for number in _SCRAPED_PORTS),
        cidrs=("0.0.0.0/0",),
        excluded_cidrs=("169.254.169.254/32",),
    )
    asked = Allow(name="queries", incoming=True, ports=(Port(number=9090),), namespaces=args.asked_from)
    return (dns(), to_https(), *within(NAMESPACE), webhook(_OPERATOR_WEBHOOK_PORT), scraped, asked)
