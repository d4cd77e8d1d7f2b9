"""The gateway: an internal load balancer, TLS to Envoy, tokens with roles, limits; everything else is refused."""

import pulumi
from pulumi_kubernetes.core import v1 as core

from infra.certificates.authority import leaf_spec
from infra.chart import release
from infra.edge.args import NAME, NAMESPACE, STATUS_PORT, TARGET_PORT, EdgeArgs
from infra.edge.filters import filter_spec
from infra.edge.gateway import READINESS_GATE, SELECTOR, gateway_spec, gateway_values
from infra.edge.tokens import authentication_spec, authorization_specs
from infra.manifest import custom
from infra.namespaces import Namespace, NamespaceArgs
from infra.network_rules import Allow, Port, dns, metrics

_SECRET = "gateway-tls"  # noqa: S105
_ENVOY_METRICS_PORT = 15090


class Edge(pulumi.ComponentResource):
    """The way in. Depend it on the load-balancer controller and on the mesh, so that both outlive it."""

    namespace: pulumi.Output[str]
    gateway: pulumi.Output[str]
    """`<namespace>/<name>`, as VirtualServices name it."""
    service_account: str
    principal: pulumi.Output[str]
    """SPIFFE identity of the gateway without its scheme, as AuthorizationPolicies name it."""
    load_balancer_hostname: pulumi.Output[str]
    """DNS name that `hostname` must lead to."""
    release: pulumi.Resource

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:edge:Edge", name, None, opts)
        namespace = Namespace(
            f"{name}-namespace",
            NamespaceArgs(namespace=NAMESPACE, in_mesh=True, allow=edge_network(args), labels=READINESS_GATE),
            pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.name
        self.service_account = NAME
        certificate = custom(
            f"{name}-certificate",
            api_version="cert-manager.io/v1",
            kind="Certificate",
            name=NAME,
            namespace=self.namespace,
            spec=leaf_spec(args.hostname, issuer=args.issuer.name, secret=_SECRET),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, *args.issuer.made_by]),
        )
        gateway = release(
            f"{name}-gateway",
            args.chart,
            namespace=self.namespace,
            values=gateway_values(args),
            release_name=NAME,
            # One pod after the other, each once the load balancer sends to it.
            timeout_s=1800,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, certificate]),
        )
        self.release = gateway
        bound = custom(
            f"{name}-listener",
            api_version="networking.istio.io/v1",
            kind="Gateway",
            name=NAME,
            namespace=self.namespace,
            spec=gateway_spec(args, secret=_SECRET),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.release, *self._rules(name, args)]),
        )
        self.gateway = pulumi.Output.concat(self.namespace, "/", NAME)
        self.principal = pulumi.Output.concat("cluster.local/ns/", self.namespace, "/sa/", NAME)
        service = core.Service.get(
            f"{name}-service",
            # The release's own answer, so that nothing is looked for before it is there.
            pulumi.Output.concat(gateway.status.namespace, "/", gateway.status.name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.release]),
        )
        self.load_balancer_hostname = service.status.load_balancer.ingress[0].hostname
        self.register_outputs(
            {
                "gateway": self.gateway,
                "listener": bound.id,
                "namespace": self.namespace,
                "principal": self.principal,
                "load_balancer_hostname": self.load_balancer_hostname,
            }
        )

    def _rules(self, name: str, args: EdgeArgs) -> list[pulumi.Resource]:
        """Who may call and how much: there before the listener opens."""
        opts = pulumi.ResourceOptions(parent=self)
        security = "security.istio.io/v1"
        bodies = {
            "tokens": ("RequestAuthentication", security, authentication_spec(args.token, SELECTOR)),
            "limits": ("EnvoyFilter", "networking.istio.io/v1alpha3", filter_spec(args.limits, SELECTOR)),
        }
        for rule, spec in authorization_specs(args.token, SELECTOR, hostname=args.hostname).items():
            bodies[rule] = ("AuthorizationPolicy", security, spec)
        return [
            custom(
                f"{name}-{rule}",
                api_version=api_version,
                kind=kind,
                name=rule,
                namespace=self.namespace,
                spec=spec,
                opts=opts,
            )
            for rule, (kind, api_version, spec) in bodies.items()
        ]


def edge_network(args: EdgeArgs) -> tuple[Allow, ...]:
    """From the load balancer, to istiod and to the predictors."""
    listening = (Port(number=TARGET_PORT), Port(number=STATUS_PORT))
    return (
        dns(),
        Allow(name="callers", incoming=True, ports=listening),
        metrics(_ENVOY_METRICS_PORT, prometheus_namespace=args.prometheus_namespace),
        Allow(name="istiod", incoming=False, ports=(Port(number=15012),), namespaces=(args.mesh_namespace,)),
        Allow(
            name="predictors",
            incoming=False,
            ports=(Port(number=8080),),
            namespaces=(args.serving_namespace,),
        ),
    )
