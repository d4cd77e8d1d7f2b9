"""`EndpointRoute`: the one stable address of an endpoint, split over its versions, and the scrape of their metrics."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from infra.manifest import custom
from infra.release.callers import METRICS_PATH
from infra.release.names import ENDPOINT_LABEL, VERSION_LABEL
from infra.release.paths import model_paths
from infra.release.virtual_service import Arm, HeaderRule, Mirror, Patience, virtual_service_spec
from infra.text import joined

METRICS_PORT_NAME = "metrics"
"""Of the runtime's container."""
SCRAPE_S = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointRouteArgs:
    """An endpoint and its arms."""

    endpoint: str
    namespace: pulumi.Input[str]
    hostname: pulumi.Input[str]
    gateway: pulumi.Input[str]
    """`namespace/name` of the Istio Gateway."""
    arms: Sequence[Arm]
    """Weights add up to 100; none at all: the endpoint answers 503."""
    versions: Sequence[pulumi.Resource]
    """What the route waits for: the components behind the arms."""
    patience: Patience = field(default_factory=Patience)
    rules: Sequence[HeaderRule] = ()
    """Who gets a version by a header, in place of chance."""
    mirror: Mirror | None = None
    """Who gets copies."""


class EndpointRoute(pulumi.ComponentResource):
    """A VirtualService and a PodMonitor.

    It changes after `versions` are ready, and before old ones go, since an engine deletes when all else is done.
    """

    url: pulumi.Output[str]
    """Where applications ask for scores; it never changes."""
    route: CustomResource
    """The VirtualService."""

    def __init__(self, name: str, args: EndpointRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:release:EndpointRoute", name, None, opts)
        routes = virtual_service_spec(
            endpoint=args.endpoint,
            hostname=args.hostname,
            gateway=args.gateway,
            arms=args.arms,
            patience=args.patience,
            rules=args.rules,
            mirror=args.mirror,
        )
        self.route = custom(
            f"{name}-route",
            api_version="networking.istio.io/v1",
            kind="VirtualService",
            name=args.endpoint,
            namespace=args.namespace,
            spec=routes,
            labels={ENDPOINT_LABEL: args.endpoint},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.versions)),
        )
        custom(
            f"{name}-metrics",
            api_version="monitoring.coreos.com/v1",
            kind="PodMonitor",
            name=args.endpoint,
            namespace=args.namespace,
            spec=pod_monitor_spec(args.endpoint),
            labels={ENDPOINT_LABEL: args.endpoint},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.from_input(joined("https://", args.hostname, model_paths(args.endpoint)[0].path))
        self.register_outputs({"url": self.url})


def pod_monitor_spec(endpoint: str) -> dict[str, Any]:
    """Body of the PodMonitor: Triton's metrics with the endpoint's and the version's name on every series."""
    wanted = (("model_endpoint", ENDPOINT_LABEL), ("model_version", VERSION_LABEL))
    return {
        "selector": {"matchLabels": {ENDPOINT_LABEL: endpoint}},
        "podMetricsEndpoints": [
            {
                "port": METRICS_PORT_NAME,
                "path": METRICS_PATH,
                "interval": f"{SCRAPE_S}s",
                "relabelings": [_copied(label, pod_label) for label, pod_label in wanted],
            }
        ],
    }


def _copied(label: str, pod_label: str) -> dict[str, Any]:
    """Prometheus spells a pod's label with underscores."""
    spelt = "".join(letter if letter.isalnum() else "_" for letter in pod_label)
    return {"sourceLabels": [f"__meta_kubernetes_pod_label_{spelt}"], "targetLabel": label}
