"""KServe's CRDs and controller, in Standard mode, with every kind of ingress of its own switched off."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra import versions
from infra.chart import release
from infra.namespaces import Namespace, NamespaceArgs
from infra.network_rules import dns, to_https, webhook
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAMESPACE = "kserve"
"""The chart of the CRDs names this namespace in a cert-manager annotation: it cannot be another."""
_WEBHOOK_PORT = 9443
_CONTROLLER = Resources(cpu_millicores=100, memory_mib=256, memory_limit_mib=512)
_RBAC_PROXY = Resources(cpu_millicores=10, memory_mib=32, memory_limit_mib=128)
_INITIALIZER = Resources(cpu_millicores=500, memory_mib=512, memory_limit_mib=4096)


@dataclass(frozen=True, kw_only=True, slots=True)
class KServeArgs:
    """Where models lie, and how big the controller is."""

    region: pulumi.Input[str]
    """Of the bucket that models come from."""
    keep_crds: bool = True
    """Whether the CRDs, and so every InferenceService, outlive a destroy: the chart would delete both."""
    controller: Resources = _CONTROLLER
    initializer: Resources = _INITIALIZER
    """Of the container that downloads a model; its limit bounds the largest file."""
    crd_chart: Chart = versions.KSERVE_CRD
    chart: Chart = versions.KSERVE_RESOURCES

    def requests(self) -> tuple[PodRequests, ...]:
        """What the controller asks of the system nodes."""
        return (pods("kserve-controller-manager", self.controller, _RBAC_PROXY),)


class KServe(pulumi.ComponentResource):
    """The controller. It needs cert-manager; what its webhooks judge depends on it, so that they answer to the end."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource

    def __init__(self, name: str, args: KServeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:kserve:KServe", name, None, opts)
        namespace = Namespace(
            f"{name}-namespace",
            NamespaceArgs(
                namespace=NAMESPACE,
                # Its metrics want a token that Prometheus has not; nobody else needs them.
                allow=(dns(), to_https(), webhook(_WEBHOOK_PORT)),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.name
        crds = release(
            f"{name}-crds",
            args.crd_chart,
            namespace=self.namespace,
            values={},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace], retain_on_delete=args.keep_crds),
        )
        self.release = release(
            f"{name}-controller",
            args.chart,
            namespace=self.namespace,
            values=kserve_values(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[crds]),
        )
        self.register_outputs({"namespace": self.namespace})


def kserve_values(args: KServeArgs) -> dict[str, Any]:
    """The chart's values."""
    return {
        "kserve": {
            "controller": {
                # The chart's own default is Knative.
                "deploymentMode": "Standard",
                "imagePullPolicy": "IfNotPresent",
                # The chart's own limit of a tenth of a core makes its webhooks time out.
                "resources": {
                    **args.controller.values(),
                    "limits": {"cpu": "1", "memory": f"{args.controller.limit_mib}Mi"},
                },
                "rbacProxy": {"resources": _RBAC_PROXY.values()},
                "gateway": {
                    # Routes are ours: one writer of weights.
                    "disableIngressCreation": True,
                    "disableIstioVirtualHost": True,
                    "ingressGateway": {"enableGatewayApi": False, "createGateway": False},
                },
            },
            "storage": {
                "resources": {
                    **args.initializer.values(),
                    "limits": {"cpu": "2", "memory": f"{args.initializer.limit_mib}Mi"},
                },
                "containerSecurityContext": {
                    "allowPrivilegeEscalation": False,
                    "privileged": False,
                    "runAsNonRoot": True,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "enableModelcar": False,
                "s3": {"region": args.region, "useHttps": "1", "verifySSL": "1"},
            },
            # It would point Prometheus at a port that Triton does not have.
            "metricsaggregator": {"enableMetricAggregation": "false", "enablePrometheusScraping": "false"},
            "localmodel": {"enabled": False},
        }
    }
