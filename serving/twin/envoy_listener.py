"""What a request passes before it is routed: TLS, clean headers, a rate limit, a token, a role, a limit on its size,
JSON; and the log."""

from dataclasses import dataclass
from pathlib import Path

from serving.twin.envoy_replies import replies
from serving.twin.envoy_tokens import JWT, PAYLOAD, role_filter, token_filter
from serving.twin.envoy_values import Json, http_filter, loopback, typed, watched

_NETWORK = "envoy.extensions.filters.network.http_connection_manager.v3"
_UNTRUSTED = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-client-cert")
"""What callers say about themselves; Envoy itself replaces `x-forwarded-proto`, and routes nothing without it."""
_OWN = "x-envoy-"
"""Callers on this machine count as internal, and Envoy would obey theirs: timeouts and retries are ours to set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Where the endpoint listens and what it asks of a caller."""

    port: int
    """0 lets the system choose."""
    xds: Path
    access_log: Path
    model_name: str
    max_body_bytes: int = 1024 * 1024
    max_requests_per_s: int = 20_000
    receive_timeout_s: float = 5.0
    """A request must have come in whole after this time."""
    check_json: bool = True
    """Whether a body that is no JSON is a 400 of the gateway's own."""
    fallback_score: float | None = None
    """Answered, and marked, in place of a 503 or 504 of the gateway's own; None answers these."""


def listener(gateway: Gateway, *, routes: str, secret: str) -> Json:
    """The one port that callers see."""
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(gateway, routes)}
    return {
        "name": "endpoint",
        "address": loopback(gateway.port),
        # With the default two Envoys could share a port in silence.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": 32 * 1024,
        "filter_chains": [{"transport_socket": _tls(gateway, secret), "filters": [manager]}],
    }


def _manager(gateway: Gateway, routes: str) -> Json:
    return typed(
        f"{_NETWORK}.HttpConnectionManager",
        stat_prefix="endpoint",
        rds={"route_config_name": routes, "config_source": watched(gateway.xds / "rds")},
        http_filters=_filters(gateway),
        local_reply_config=replies(gateway.model_name, gateway.fallback_score),
        access_log=[_access_log(gateway.access_log)],
        use_remote_address=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        request_timeout=f"{gateway.receive_timeout_s}s",
        request_headers_timeout="5s",
        stream_idle_timeout="30s",
        common_http_protocol_options={
            "idle_timeout": "900s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 64 * 1024,
            "initial_connection_window_size": 1024 * 1024,
        },
    )


def _tls(gateway: Gateway, secret: str) -> Json:
    tls = "envoy.extensions.transport_sockets.tls.v3"
    context = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [{"name": secret, "sds_config": watched(gateway.xds / "sds")}],
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(f"{tls}.DownstreamTlsContext", common_tls_context=context),
    }


def _filters(gateway: Gateway) -> list[Json]:
    """In order: the cheap refusal first, the body last."""
    return [
        _clean_headers(),
        _rate_limit(gateway),
        token_filter(gateway.xds),
        role_filter(),
        http_filter("buffer", "buffer.v3.Buffer", max_request_bytes=gateway.max_body_bytes),
        *([_json_check()] if gateway.check_json else []),
        http_filter("router", "router.v3.Router"),
    ]


def _clean_headers() -> Json:
    own = {"remove_on_match": {"key_matcher": {"prefix": _OWN}}}
    removals = [own, *({"remove": name} for name in _UNTRUSTED)]
    return http_filter(
        "header_mutation", "header_mutation.v3.HeaderMutation", mutations={"request_mutations": removals}
    )


def _rate_limit(gateway: Gateway) -> Json:
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {
        "max_tokens": gateway.max_requests_per_s,
        "tokens_per_fill": gateway.max_requests_per_s,
        "fill_interval": "1s",
    }
    return http_filter(
        "local_ratelimit",
        "local_ratelimit.v3.LocalRateLimit",
        stat_prefix="endpoint",
        token_bucket=bucket,
        filter_enabled=always,
        filter_enforced=always,
        # By then the bucket is full again.
        response_headers_to_add=[{"header": {"key": "retry-after", "value": "1"}}],
    )


def _json_check() -> Json:
    """Mark a body that is not even a JSON object, for the routes to see; nothing is read from one that is."""
    program = Path(__file__).with_name("json_check.lua").read_text("utf-8")
    return http_filter("lua", "lua.v3.Lua", default_source_code={"inline_string": program})


def _access_log(path: Path) -> Json:
    fields = {
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "subject": f"%DYNAMIC_METADATA({JWT}:{PAYLOAD}:sub)%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "version": "%RESP(X-STILLHOUSE-VERSION)%",
        "cluster": "%UPSTREAM_CLUSTER_RAW%",
        "duration_ms": "%DURATION%",
        "request_bytes": "%BYTES_RECEIVED%",
        "response_bytes": "%BYTES_SENT%",
    }
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": typed(
            "envoy.extensions.access_loggers.file.v3.FileAccessLog",
            path=str(path),
            log_format={"json_format": fields},
        ),
    }
