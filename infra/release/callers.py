"""Who may call a version's pods: the gateway, on the endpoint's own paths, and Prometheus for metrics."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.release.names import ISVC_LABEL
from infra.release.paths import model_paths

METRICS_PORT = 8002
METRICS_PATH = "/metrics"


@dataclass(frozen=True, kw_only=True, slots=True)
class Callers:
    """Identities in the mesh, `cluster.local/ns/<namespace>/sa/<account>`."""

    gateway: pulumi.Input[str]
    prometheus: pulumi.Input[str]
    """Never matched where Prometheus scrapes past the sidecar, which needs no permission here."""


def authorization_policy_spec(name: str, endpoint: str, callers: Callers) -> dict[str, Any]:
    """Body of Istio's AuthorizationPolicy on a version's pods; what it does not name is refused."""
    operations = [{"methods": [path.method], "paths": [path.path]} for path in model_paths(endpoint)]
    scrape = {"methods": ["GET"], "paths": [METRICS_PATH], "ports": [str(METRICS_PORT)]}
    return {
        "selector": {"matchLabels": {ISVC_LABEL: name}},
        "action": "ALLOW",
        "rules": [
            _rule(callers.gateway, operations),
            _rule(callers.prometheus, [scrape]),
        ],
    }


def _rule(principal: pulumi.Input[str], operations: list[dict[str, list[str]]]) -> dict[str, Any]:
    return {
        "from": [{"source": {"principals": [principal]}}],
        "to": [{"operation": operation} for operation in operations],
    }
