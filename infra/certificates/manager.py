"""cert-manager: issues and renews the certificates of the gateway and of webhooks."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra import versions
from infra.chart import release_in_namespace
from infra.namespaces import NamespaceArgs
from infra.network_rules import dns, metrics, to_https, webhook
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAMESPACE = "cert-manager"
_WEBHOOK_PORT = 10250
_METRICS_PORT = 9402

_RESOURCES = Resources(cpu_millicores=20, memory_mib=96)


@dataclass(frozen=True, kw_only=True, slots=True)
class CertManagerArgs:
    """How many and how big."""

    webhook_replicas: int = 2
    """KServe's and our certificates cannot be made while no webhook answers."""
    keep_crds: bool = True
    """Whether the CRDs, and so every certificate, outlive the release."""
    prometheus_namespace: str = "monitoring"
    resources: Resources = _RESOURCES
    """Of each container."""
    chart: Chart = versions.CERT_MANAGER

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the system nodes."""
        return (
            pods("cert-manager", self.resources),
            pods("cert-manager-webhook", self.resources, count=self.webhook_replicas),
            pods("cert-manager-cainjector", self.resources),
        )


class CertManager(pulumi.ComponentResource):
    """cert-manager in its namespace."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:certificates:CertManager", name, None, opts)
        namespace = NamespaceArgs(
            namespace=NAMESPACE,
            allow=(
                dns(),
                to_https(),
                webhook(_WEBHOOK_PORT),
                metrics(_METRICS_PORT, prometheus_namespace=args.prometheus_namespace),
            ),
        )
        self.namespace, self.release = release_in_namespace(
            self, name, args.chart, namespace=namespace, values=cert_manager_values(args)
        )
        self.register_outputs({"namespace": self.namespace})


def cert_manager_values(args: CertManagerArgs) -> dict[str, Any]:
    """The chart's values."""
    resources = args.resources.values()
    budget = {"enabled": True, "maxUnavailable": 1}
    return {
        "crds": {"enabled": True, "keep": args.keep_crds},
        # Leases beside the pods, so that no right in kube-system is needed.
        "global": {"leaderElection": {"namespace": NAMESPACE}},
        "resources": resources,
        "webhook": {"replicaCount": args.webhook_replicas, "resources": resources, "podDisruptionBudget": budget},
        "cainjector": {"resources": resources},
        "startupapicheck": {"resources": resources},
    }
