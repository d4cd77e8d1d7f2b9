"""How the gateway treats a version's pods: encrypted, bounded, and out of the rotation while they fail."""

from dataclasses import dataclass
from typing import Any

import pulumi

CONNECT_TIMEOUT = "500ms"
IDLE_TIMEOUT = "60s"
"""Shorter than the predictor's grace when it stops, so that it does not wait for connections that nobody uses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrafficPolicy:
    """Limits of each gateway pod towards one version; beyond them it answers 503 at once and does not queue."""

    max_connections: int = 256
    max_pending_requests: int = 512
    max_requests: int = 1024
    max_retries: int = 32
    ejection_errors: int = 5
    """Gateway errors (502, 503, 504) in a row that take a pod out; a 4xx or a 500 is an answer of the model."""
    ejection_s: int = 30
    max_ejected_percent: int = 50
    """Of a version's pods; the rest go on even when all fail."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_ejected_percent <= 100:
            raise ValueError(f"max_ejected_percent: (got {self.max_ejected_percent}); allowed are 0 to 100")
        least = min(self.max_connections, self.max_pending_requests, self.max_requests, self.ejection_errors)
        if least < 1 or self.max_retries < 0 or self.ejection_s < 1:
            raise ValueError(f"traffic policy: (got {self}); allowed are limits of 1 and more")


def destination_rule_spec(host: pulumi.Input[str], policy: TrafficPolicy) -> dict[str, Any]:
    """Body of Istio's DestinationRule for a version's Service."""
    return {
        "host": host,
        "trafficPolicy": {
            "tls": {"mode": "ISTIO_MUTUAL"},
            "loadBalancer": {"simple": "LEAST_REQUEST"},
            "connectionPool": {
                "tcp": {"maxConnections": policy.max_connections, "connectTimeout": CONNECT_TIMEOUT},
                "http": {
                    "http1MaxPendingRequests": policy.max_pending_requests,
                    "http2MaxRequests": policy.max_requests,
                    "maxRetries": policy.max_retries,
                    "idleTimeout": IDLE_TIMEOUT,
                    # Triton speaks HTTP/1.1 only.
                    "h2UpgradePolicy": "DO_NOT_UPGRADE",
                },
            },
            "outlierDetection": {
                "consecutiveGatewayErrors": policy.ejection_errors,
                "consecutive5xxErrors": 0,
                "interval": "10s",
                "baseEjectionTime": f"{policy.ejection_s}s",
                "maxEjectionPercent": policy.max_ejected_percent,
            },
        },
    }
