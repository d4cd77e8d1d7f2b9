"""What a request passes before it is routed: TLS, a rate limit, a token, a role, a limit on its size; and the log."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.twin.tokens import AUDIENCE, ISSUER, PREDICT_ROLE

Json = dict[str, Any]
_JWT = "envoy.filters.http.jwt_authn"
_PAYLOAD = "claims"
_NETWORK = "envoy.extensions.filters.network.http_connection_manager.v3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Where the endpoint listens and what it asks of a caller."""

    port: int
    """0 lets the system choose."""
    xds: Path
    jwks: Path
    access_log: Path
    issuer: str = ISSUER
    audience: str = AUDIENCE
    role: str = PREDICT_ROLE
    """Must stand in the token's claim `roles`."""
    max_body_bytes: int = 1024 * 1024
    max_requests_per_s: int = 20_000
    clock_skew_s: int = 5
    receive_timeout_s: float = 5.0
    """A request must have come in whole after this time."""


def typed(message: str, **fields: Any) -> Json:  # noqa: ANN401
    """A protobuf `Any` of the given message."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def watched(folder: Path) -> Json:
    """Where Envoy finds `<folder>/<its name>.json`; it looks again after every rename in the folder."""
    return {
        "path_config_source": {"path": str(folder / f"{folder.name}.json"), "watched_directory": {"path": str(folder)}},
        "resource_api_version": "V3",
    }


def listener(gateway: Gateway, *, routes: str, secret: str) -> Json:
    """The one port that callers see."""
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(gateway, routes)}
    return {
        "name": "endpoint",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": gateway.port}},
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
    return [_rate_limit(gateway), _token(gateway), _role(gateway), _body_limit(gateway), _router()]


def _rate_limit(gateway: Gateway) -> Json:
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {
        "max_tokens": gateway.max_requests_per_s,
        "tokens_per_fill": gateway.max_requests_per_s,
        "fill_interval": "1s",
    }
    return _filter(
        "local_ratelimit",
        "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="endpoint",
        token_bucket=bucket,
        filter_enabled=always,
        filter_enforced=always,
    )


def _token(gateway: Gateway) -> Json:
    provider = {
        "issuer": gateway.issuer,
        "audiences": [gateway.audience],
        "local_jwks": {"filename": str(gateway.jwks)},
        "payload_in_metadata": _PAYLOAD,
        "require_expiration": True,
        "clock_skew_seconds": gateway.clock_skew_s,
        # The signature of a token that is used again is not computed again.
        "jwt_cache_config": {"jwt_cache_size": 1000},
    }
    return _filter(
        "jwt_authn",
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={"twin": provider},
        rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "twin"}}],
    )


def _role(gateway: Gateway) -> Json:
    matcher = {
        "filter": _JWT,
        "path": [{"key": _PAYLOAD}, {"key": "roles"}],
        "value": {"list_match": {"one_of": {"string_match": {"exact": gateway.role}}}},
    }
    principal = {"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "DYNAMIC"}}
    policy = {"permissions": [{"any": True}], "principals": [principal]}
    return _filter(
        "rbac",
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        rules={"action": "ALLOW", "policies": {gateway.role: policy}},
    )


def _body_limit(gateway: Gateway) -> Json:
    return _filter("buffer", "envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=gateway.max_body_bytes)


def _router() -> Json:
    return _filter("router", "envoy.extensions.filters.http.router.v3.Router")


def _filter(name: str, message: str, **fields: Any) -> Json:  # noqa: ANN401
    return {"name": f"envoy.filters.http.{name}", "typed_config": typed(message, **fields)}


def _access_log(path: Path) -> Json:
    fields = {
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "subject": f"%DYNAMIC_METADATA({_JWT}:{_PAYLOAD}:sub)%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "version": "%UPSTREAM_CLUSTER_RAW%",
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
