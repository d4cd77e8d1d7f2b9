"""Istio's control plane and CNI plugin, the Gateway API's CRDs, and the rules that hold for the whole mesh."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.yaml import v2 as yaml

from infra import versions
from infra.chart import release
from infra.manifest import custom
from infra.mesh.values import base_values, cni_values, istiod_values
from infra.namespaces import Namespace, NamespaceArgs, PodSecurity
from infra.network_rules import Allow, Port, dns, metrics, to_https, webhook
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart, CrdBundle

NAMESPACE = "istio-system"
CNI_NAMESPACE = "istio-cni"
_XDS_PORT = 15012
_WEBHOOK_PORT = 15017
_METRICS_PORT = 15014
_ISTIOD = Resources(cpu_millicores=100, memory_mib=384, memory_limit_mib=2048)
_CNI = Resources(cpu_millicores=20, memory_mib=64, memory_limit_mib=256)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshArgs:
    """How many, how big, and what is measured."""

    istiod_replicas: int = 2
    prometheus_namespace: str = "monitoring"
    keep_crds: bool = True
    """Whether the CRDs of Istio and of the Gateway API, and so every route, outlive a destroy."""
    istiod: Resources = _ISTIOD
    cni: Resources = _CNI
    base_chart: Chart = versions.ISTIO_BASE
    cni_chart: Chart = versions.ISTIO_CNI
    istiod_chart: Chart = versions.ISTIOD
    gateway_api: CrdBundle = versions.GATEWAY_API

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the nodes."""
        return (
            pods("istiod", self.istiod, count=self.istiod_replicas),
            pods("istio-cni-node", self.cni, per_node=True),
        )


class Mesh(pulumi.ComponentResource):
    """The mesh. What Istio's webhook judges (routes, policies) depends on it."""

    namespace: pulumi.Output[str]
    release: pulumi.Resource
    """istiod's: its webhook answers once this is there."""

    def __init__(self, name: str, args: MeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:mesh:Mesh", name, None, opts)
        control = Namespace(
            f"{name}-namespace",
            NamespaceArgs(namespace=NAMESPACE, allow=mesh_network(args)),
            pulumi.ResourceOptions(parent=self),
        )
        node = Namespace(
            f"{name}-cni-namespace",
            NamespaceArgs(
                namespace=CNI_NAMESPACE,
                pod_security=PodSecurity.PRIVILEGED,
                why_not_restricted="the CNI plugin writes to the node's folders and enters pods' network namespaces",
                allow=(dns(), to_https(), metrics(_METRICS_PORT, prometheus_namespace=args.prometheus_namespace)),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.namespace = control.name
        gateway_api = yaml.ConfigFile(
            f"{name}-gateway-api",
            file=args.gateway_api.url,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.keep_crds),
        )
        base = release(
            f"{name}-base",
            args.base_chart,
            namespace=self.namespace,
            values=base_values(),
            release_name="istio-base",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[control], retain_on_delete=args.keep_crds),
        )
        cni = release(
            f"{name}-cni",
            args.cni_chart,
            namespace=node.name,
            values=cni_values(args.cni),
            release_name="istio-cni",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[node, base]),
        )
        self.release = release(
            f"{name}-istiod",
            args.istiod_chart,
            namespace=self.namespace,
            values=istiod_values(replicas=args.istiod_replicas, resources=args.istiod),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[base, cni, gateway_api]),
        )
        rules = pulumi.ResourceOptions(parent=self, depends_on=[self.release])
        custom(
            f"{name}-strict",
            api_version="security.istio.io/v1",
            kind="PeerAuthentication",
            name="default",
            namespace=self.namespace,
            spec={"mtls": {"mode": "STRICT"}},
            opts=rules,
        )
        custom(
            f"{name}-allow-nothing",
            api_version="security.istio.io/v1",
            kind="AuthorizationPolicy",
            name="allow-nothing",
            namespace=self.namespace,
            spec={},
            opts=rules,
        )
        self.register_outputs({"namespace": self.namespace})


def mesh_network(args: MeshArgs) -> tuple[Allow, ...]:
    """Proxies over TLS and the API server's webhooks; the debug port 8080 and plain XDS on 15010 stay closed."""
    return (
        dns(),
        to_https(),
        Allow(name="xds", incoming=True, ports=(Port(number=_XDS_PORT),)),
        webhook(_WEBHOOK_PORT),
        metrics(_METRICS_PORT, prometheus_namespace=args.prometheus_namespace),
    )
