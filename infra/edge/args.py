"""What the edge is made of: names and ports, and the arguments of the component."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra import versions
from infra.certificates.authority import Issuer
from infra.edge.filters import EdgeLimits
from infra.edge.tokens import TokenRules
from infra.pods import PodRequests, Resources, pods
from infra.versions import Chart

NAME = "istio-ingress"
"""Of the release, the Service, the Deployment and the service account."""
NAMESPACE = "istio-ingress"
HTTPS_PORT = 443
TARGET_PORT = 8443
"""Where Envoy listens: above 1024, so that the pods need no sysctl."""
STATUS_PORT = 15021
_RESOURCES = Resources(cpu_millicores=200, memory_mib=256, memory_limit_mib=1024)


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeArgs:
    """One address for all endpoints."""

    hostname: str
    """Name that callers use."""
    issuer: Issuer
    """Signs the certificate that Envoy shows."""
    token: TokenRules
    limits: EdgeLimits
    serving_namespace: str
    """Only this namespace's routes may bind to the gateway, and only its pods are reached."""
    latency_goal_ms: int
    """Histograms have their buckets around it."""
    listener_certificate_arn: pulumi.Input[str] | None = None
    """ACM certificate on the load balancer, which then begins TLS anew towards Envoy; None: it passes TLS through."""
    replicas: int = 2
    max_replicas: int | None = None
    """None: three times `replicas`."""
    allowed_cidrs: Sequence[pulumi.Input[str]] = ()
    """Who may connect to the load balancer; none: its security group takes whoever reaches it inside the network."""
    subnet_ids: Sequence[pulumi.Input[str]] = ()
    """Where the load balancer stands; none: the controller finds the subnets by their tags."""
    publish_dns: bool = False
    """Whether external-dns keeps the hostname's record."""
    prometheus_namespace: str = "monitoring"
    mesh_namespace: str = "istio-system"
    tags: Mapping[str, str] = field(default_factory=dict)
    """On the load balancer."""
    resources: Resources = _RESOURCES
    chart: Chart = versions.ISTIO_GATEWAY

    def requests(self) -> tuple[PodRequests, ...]:
        """What its pods ask of the system nodes, at the least."""
        return (pods(NAME, self.resources, count=self.replicas),)
