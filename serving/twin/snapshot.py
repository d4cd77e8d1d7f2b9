"""A supervisor -> its status, with Envoy's health checks and statistics."""

import os
from typing import Literal

import aiohttp

from serving.twin.fleet import Version
from serving.twin.status import ComparisonStatus, TwinStatus, VersionStatus
from serving.twin.supervisor import Supervisor


async def snapshot(supervisor: Supervisor, phase: Literal["starting", "ready", "stopping"]) -> TwinStatus:
    """What the twin is and does now."""
    try:
        healthy = await supervisor.envoy.admin.healthy()
    except (TimeoutError, aiohttp.ClientError):
        healthy = frozenset()
    return TwinStatus(
        phase=phase,
        pid=os.getpid(),
        endpoint=supervisor.endpoint,
        url=supervisor.url,
        model_name=supervisor.fleet.model_name,
        ca_path=str(supervisor.paths.ca),
        admin_url=supervisor.envoy.admin.url,
        release=str(supervisor.routing),
        last_error=supervisor.last_error,
        gateway_error=supervisor.refusals.complaint,
        prometheus_url=supervisor.prometheus.url,
        envoy=supervisor.gateway.status(),
        prometheus=supervisor.metrics.status(),
        versions=tuple(
            _version(supervisor, name, version, (name, version.program.launch.ports.http) in healthy)
            for name, version in supervisor.fleet.versions.items()
        ),
        comparison=_comparison(supervisor),
        events=tuple(supervisor.events),
    )


def _comparison(supervisor: Supervisor) -> ComparisonStatus | None:
    if (compared := supervisor.compared) is None:
        return None
    counts = supervisor.comparer.counts(compared)
    return ComparisonStatus(
        stable=compared.stable,
        shadow=compared.shadow,
        path=str(supervisor.comparer.file(compared)),
        **counts,
    )


def _version(supervisor: Supervisor, name: str, version: Version, healthy: bool) -> VersionStatus:
    shadow = supervisor.routing.shadow
    listening = shadow.version if shadow else ""
    traffic, rates = supervisor.traffic.latest(name), supervisor.traffic.rates(name, beside=listening)
    process = version.keeper.status()
    if process.health == "ready" and version.retiring is not None:
        process = process.model_copy(update={"health": "draining"})
    elif process.health == "ready" and not healthy:
        process = process.model_copy(update={"health": "unready"})
    ports = version.program.launch.ports
    return VersionStatus(
        version=name,
        digest=version.repository.digest,
        weight=supervisor.weights.get(name, 0),
        process=process,
        port=ports.http,
        metrics_port=ports.metrics,
        requests=traffic.requests,
        errors=traffic.errors,
        request_rate=rates.request_rate,
        share=rates.share,
        error_share=rates.error_share,
        p50_ms=traffic.p50_ms if rates.request_rate else None,
        p99_ms=traffic.p99_ms if rates.request_rate else None,
    )
