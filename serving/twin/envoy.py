"""Versions with ports and weights -> Envoy's configuration, as JSON-ready values: bootstrap, clusters, routes, secrets.

Everything here is pure; `envoy_files` puts it where Envoy watches, `envoy_listener` says what a request must pass.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.twin.envoy_listener import Gateway, listener, typed, watched
from serving.twin.paths import TwinPaths

Json = dict[str, Any]
VERSION_HEADER = "x-stillhouse-version"
ROUTES = "stillhouse"
SECRET = "server"  # noqa: S105
LATENCY = ".upstream_rq_time"
"""End of the name of each cluster's histogram."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """One version's Triton."""

    version: str
    """Also the cluster's name in Envoy's statistics."""
    port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Routing:
    """Who answers for a model."""

    model_name: str
    weights: Mapping[str, int]
    """Version -> percent; empty means that nobody answers."""
    request_timeout_s: float


def bootstrap(paths: TwinPaths, gateway: Gateway, *, admin_port: int, buckets_ms: Sequence[int]) -> Json:
    """What Envoy starts with: a listener, files to watch for everything that changes, and bounds of its histograms."""
    return {
        "node": {"id": "stillhouse-twin", "cluster": "stillhouse"},
        "admin": {"address": _loopback(admin_port)},
        "static_resources": {"listeners": [listener(gateway, routes=ROUTES, secret=SECRET)]},
        "dynamic_resources": {"cds_config": watched(paths.xds / "cds")},
        # Histograms move only then, and they are scraped as often.
        "stats_flush_interval": "1s",
        "stats_config": {
            "histogram_bucket_settings": [{"match": {"suffix": LATENCY}, "buckets": list(buckets_ms)}],
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=10_000,
                    ),
                }
            ]
        },
    }


def clusters(upstreams: Sequence[Upstream], *, model_name: str) -> Json:
    """One cluster a version."""
    return discovery("envoy.config.cluster.v3.Cluster", [_cluster(one, model_name) for one in upstreams])


def routes(routing: Routing) -> Json:
    """The endpoint's few paths, split over the versions; anything else is 404."""
    answer = _split(routing) if routing.weights else {"direct_response": {"status": 503}}
    path = f"/v2/models/{routing.model_name}"
    matches = ((f"{path}/infer", "POST"), (f"{path}/ready", "GET"), (path, "GET"))
    host = {
        "name": ROUTES,
        "domains": ["*"],
        "routes": [{"match": _match(path, method), **answer} for path, method in matches],
    }
    return discovery("envoy.config.route.v3.RouteConfiguration", [{"name": ROUTES, "virtual_hosts": [host]}])


def secrets(certificates: Path) -> Json:
    """The server certificate by file name; a rename of this file makes Envoy read the certificate anew."""
    certificate = {
        "certificate_chain": {"filename": str(certificates / "server.pem")},
        "private_key": {"filename": str(certificates / "server.key")},
    }
    return discovery(
        "envoy.extensions.transport_sockets.tls.v3.Secret", [{"name": SECRET, "tls_certificate": certificate}]
    )


def discovery(message: str, resources: Sequence[Json]) -> Json:
    """An xDS answer whose version is the digest of its contents: equal contents, equal version."""
    whole = [typed(message, **resource) for resource in resources]
    version = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
    return {"version_info": version, "resources": whole}


def _cluster(upstream: Upstream, model_name: str) -> Json:
    endpoint = {"endpoint": {"address": _loopback(upstream.port)}}
    return {
        "name": upstream.version,
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "load_assignment": {"cluster_name": upstream.version, "endpoints": [{"lb_endpoints": [endpoint]}]},
        # A cluster warms until its first health check is answered: no route points at a version that is not up.
        "health_checks": [
            {
                "timeout": "2s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 1,
                "http_health_check": {"path": f"/v2/models/{model_name}/ready"},
            }
        ],
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": 256, "max_pending_requests": 512, "max_requests": 1024, "max_retries": 32}
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": "60s"},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }


def _split(routing: Routing) -> Json:
    weighted = [
        {
            "name": version,
            "weight": weight,
            "response_headers_to_add": [
                {
                    "header": {"key": VERSION_HEADER, "value": version},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
        }
        for version, weight in routing.weights.items()
    ]
    return {
        "route": {
            "weighted_clusters": {"clusters": weighted},
            "timeout": f"{routing.request_timeout_s}s",
            # Only what surely never reached the model is sent again.
            "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2},
        }
    }


def _match(path: str, method: str) -> Json:
    return {"path": path, "headers": [{"name": ":method", "string_match": {"exact": method}}]}


def _loopback(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
