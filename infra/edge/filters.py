"""What Istio has no word for, as patches of Envoy: rate limit, size limit, header hygiene, connection limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HTTP = "envoy.extensions.filters.http"
_NETWORK = "envoy.extensions.filters.network.http_connection_manager.v3"
_MANAGER = "envoy.filters.network.http_connection_manager"
_ENVOY_HEADERS = (
    "x-envoy-decorator-operation",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-path",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
)
"""Callers inside the VPC count as internal, and Envoy would obey these: timeouts and retries are ours to set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeLimits:
    """What one gateway pod takes."""

    requests_per_s: int
    """More get 429."""
    max_body_bytes: int = 1024 * 1024
    """A larger request gets 413; Triton's own limit must not be smaller."""
    max_connections: int = 10_000
    """Open at once; more are refused."""
    receive_timeout_s: int = 5
    """A request must have come in whole after this time; slower senders get 408."""
    idle_timeout_s: int = 350
    """A connection without requests is closed; the load balancer forgets idle ones after 350 s."""
    max_streams: int = 100
    """Requests at once on one HTTP/2 connection."""
    buffer_bytes: int = 32 * 1024
    """Read ahead for a connection before its body is asked for."""

    def __post_init__(self) -> None:
        for name in ("requests_per_s", "max_body_bytes", "max_connections", "receive_timeout_s", "max_streams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: (got {getattr(self, name)}); allowed are whole numbers from 1")


def filter_spec(limits: EdgeLimits, selector: Mapping[str, str]) -> dict[str, Any]:
    """The body of the gateway's EnvoyFilter: the cheap refusal first, the body last."""
    return {
        "workloadSelector": {"labels": dict(selector)},
        "configPatches": [
            _insert("INSERT_FIRST", _rate_limit(limits)),
            _insert("INSERT_FIRST", _header_hygiene()),
            _insert("INSERT_BEFORE", _body_limit(limits), before="envoy.filters.http.router"),
            _connection_manager(limits),
            _listener(limits),
        ],
    }


def _rate_limit(limits: EdgeLimits) -> dict[str, Any]:
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {
        "max_tokens": limits.requests_per_s,
        "tokens_per_fill": limits.requests_per_s,
        "fill_interval": "1s",
    }
    return _filter(
        "local_ratelimit",
        "local_ratelimit.v3.LocalRateLimit",
        stat_prefix="http_local_rate_limiter",
        token_bucket=bucket,
        filter_enabled=always,
        filter_enforced=always,
    )


def _header_hygiene() -> dict[str, Any]:
    removals = [{"remove": name} for name in _ENVOY_HEADERS]
    return _filter("header_mutation", "header_mutation.v3.HeaderMutation", mutations={"request_mutations": removals})


def _body_limit(limits: EdgeLimits) -> dict[str, Any]:
    return _filter("buffer", "buffer.v3.Buffer", max_request_bytes=limits.max_body_bytes)


def _filter(name: str, message: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    typed = {"@type": f"type.googleapis.com/{_HTTP}.{message}", **fields}
    return {"name": f"envoy.filters.http.{name}", "typed_config": typed}


def _insert(operation: str, value: Mapping[str, Any], *, before: str | None = None) -> dict[str, Any]:
    network_filter: dict[str, Any] = {"name": _MANAGER}
    if before:
        network_filter["subFilter"] = {"name": before}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": network_filter}}},
        "patch": {"operation": operation, "value": dict(value)},
    }


def _connection_manager(limits: EdgeLimits) -> dict[str, Any]:
    typed = {
        "@type": f"type.googleapis.com/{_NETWORK}.HttpConnectionManager",
        "request_timeout": f"{limits.receive_timeout_s}s",
        "request_headers_timeout": f"{limits.receive_timeout_s}s",
        "stream_idle_timeout": "30s",
        "common_http_protocol_options": {
            "idle_timeout": f"{limits.idle_timeout_s}s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": limits.max_streams,
            "initial_stream_window_size": 64 * 1024,
            "initial_connection_window_size": 1024 * 1024,
        },
    }
    return {
        "applyTo": "NETWORK_FILTER",
        "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": {"name": _MANAGER}}}},
        "patch": {"operation": "MERGE", "value": {"typed_config": typed}},
    }


def _listener(limits: EdgeLimits) -> dict[str, Any]:
    return {
        "applyTo": "LISTENER",
        "match": {"context": "GATEWAY"},
        "patch": {"operation": "MERGE", "value": {"per_connection_buffer_limit_bytes": limits.buffer_bytes}},
    }
