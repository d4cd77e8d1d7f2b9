"""What a twin runs -> Envoy's configuration, as JSON-ready values: bootstrap, clusters, certificate.

Everything here is pure; `publisher` puts it where Envoy watches. `envoy_listener` says what a request must pass,
`envoy_routes` who answers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serving.twin.envoy_listener import Gateway, listener
from serving.twin.envoy_routes import COMPARER, ROUTES
from serving.twin.envoy_values import Json, discovery, loopback, typed, watched
from serving.twin.paths import TwinPaths
from serving.twin.routing import chosen

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
class Breaker:
    """How much one version is given before requests are refused at once."""

    max_requests: int = 1024
    """At once; more are a 503 without waiting."""
    max_connections: int = 256
    retry_percent: float = 20.0
    """Of the requests under way: as many may be further attempts, and three at the least."""
    eject_after: int = 5
    """Failed connections, broken connections and timeouts in a row, after which nothing is sent there for a second,
    and longer the next time. A model's own errors do not count: a version that fails some must not fail all."""


def bootstrap(paths: TwinPaths, gateway: Gateway, *, admin_port: int, buckets_ms: Sequence[int]) -> Json:
    """What Envoy starts with: a listener, files to watch for everything that changes, and bounds of its histograms."""
    return {
        "node": {"id": "stillhouse-twin", "cluster": "stillhouse"},
        "admin": {"address": loopback(admin_port)},
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


def clusters(
    upstreams: Sequence[Upstream], *, model_name: str, breaker: Breaker | None = None, comparer_port: int | None = None
) -> Json:
    """Two clusters a version, one for what chance sends and one for what is chosen; and the comparer's."""
    limits = breaker or Breaker()
    versions = [
        _version_cluster(name, one.port, model_name, limits)
        for one in upstreams
        for name in (one.version, chosen(one.version))
    ]
    comparer = [] if comparer_port is None else [_comparer_cluster(comparer_port)]
    return discovery("envoy.config.cluster.v3.Cluster", [*versions, *comparer])


def secrets(certificates: Path) -> Json:
    """The server's key and certificate, both from one file: a rename of it changes both at once."""
    file = {"filename": str(certificates / "server.pem")}
    certificate = {
        "certificate_chain": file,
        "private_key": file,
        "watched_directory": {"path": str(certificates)},
    }
    return discovery(
        "envoy.extensions.transport_sockets.tls.v3.Secret", [{"name": SECRET, "tls_certificate": certificate}]
    )


def _version_cluster(name: str, port: int, model_name: str, breaker: Breaker) -> Json:
    thresholds = {
        "max_connections": breaker.max_connections,
        # A request that waits for a connection counts as one under way.
        "max_pending_requests": breaker.max_requests,
        "max_requests": breaker.max_requests,
        "retry_budget": {"budget_percent": {"value": breaker.retry_percent}, "min_retry_concurrency": 3},
        "track_remaining": True,
    }
    return {
        **_cluster(name, port),
        # A cluster warms until its first health check is answered: no route points at a version that is not up.
        "health_checks": [
            {
                "timeout": "2s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                # Nothing is sent to an unhealthy one; the way back is short.
                "unhealthy_interval": "0.25s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 1,
                "http_health_check": {"path": f"/v2/models/{model_name}/ready"},
            }
        ],
        "circuit_breakers": {"thresholds": [thresholds]},
        "outlier_detection": _ejection(breaker),
        "common_lb_config": {
            # With one process a version, the default would send to it however unhealthy.
            "healthy_panic_threshold": {"value": 0},
            # The default tells the workers of a change of health up to a second later than the admin interface does.
            "update_merge_window": "0s",
        },
    }


def _ejection(breaker: Breaker) -> Json:
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": breaker.eject_after,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "0.5s",
        "base_ejection_time": "1s",
        "max_ejection_time": "10s",
        "max_ejection_percent": 100,
    }


def _comparer_cluster(port: int) -> Json:
    """It takes one copy at a time and paces itself; whatever comes meanwhile is dropped here."""
    one = {"max_connections": 1, "max_pending_requests": 1, "max_requests": 1, "max_retries": 0}
    return {**_cluster(COMPARER, port), "circuit_breakers": {"thresholds": [one]}}


def _cluster(name: str, port: int) -> Json:
    endpoint = {"endpoint": {"address": loopback(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": "60s"},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }
