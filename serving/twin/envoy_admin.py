"""Envoy's admin interface: which configuration it has taken over, who is healthy, and what it counted."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from serving.twin.envoy_tokens import JWT
from serving.twin.routing import chosen

_PREFIX = {
    "cds": "cluster_manager.cds",
    "rds": "http.endpoint.rds.stillhouse",
    "ecds": f"extension_config_discovery.http_filter.{JWT}",
}
"""Kind of configuration -> how its statistics begin."""
_REFUSED = ("update_rejected", "update_failure")
"""Read, but wrong; or not even to be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """How far Envoy is with one kind of configuration."""

    version: str
    """Of the newest answer that it took over; empty before the first."""
    num_accepted: int
    num_refused: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """What one version has done since Envoy started."""

    requests: int
    errors: int
    """5xx, failed connections and timeouts included."""
    active: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvoyAdmin:
    """A client of the admin port; every method raises aiohttp.ClientError when Envoy is down."""

    session: aiohttp.ClientSession
    port: int

    @property
    def url(self) -> str:
        """On loopback only."""
        return f"http://127.0.0.1:{self.port}"

    async def is_live(self) -> bool:
        """Whether Envoy has its first configuration and takes requests."""
        try:
            async with self.session.get(f"{self.url}/ready") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def listener_port(self) -> int:
        """The port that the endpoint got."""
        statuses = (await self._json("/listeners?format=json"))["listener_statuses"]
        return int(statuses[0]["local_address"]["socket_address"]["port_value"])

    async def taken(self, kind: str) -> Taken:
        """How far Envoy is with `cds`, `rds` or `ecds`."""
        prefix = _PREFIX[kind]
        ends = ("version_text", "update_success", *_REFUSED)
        found = await self._stats([f"{prefix}.{end}" for end in ends])
        return Taken(
            version=str(found.get(f"{prefix}.version_text", "")),
            num_accepted=int(found.get(f"{prefix}.update_success", 0)),
            num_refused=sum(int(found.get(f"{prefix}.{end}", 0)) for end in _REFUSED),
        )

    async def certificates(self) -> frozenset[int]:
        """Serial numbers of those that Envoy shows."""
        loaded = (await self._json("/certs")).get("certificates", [])
        return frozenset(int(one["serial_number"], 16) for each in loaded for one in each.get("cert_chain", []))

    async def healthy(self) -> frozenset[tuple[str, int]]:
        """Versions, and the ports they are asked at, whose cluster is active and whose last health checks went well."""
        statuses = (await self._json("/clusters?format=json")).get("cluster_statuses", [])
        return frozenset(
            (status["name"], host["address"]["socket_address"]["port_value"])
            for status in statuses
            if _is_healthy(status)
            for host in status["host_statuses"]
        )

    async def traffic(self, versions: Collection[str]) -> dict[str, Traffic]:
        """Counters and latency of the given versions; all zero for one that Envoy has not seen.

        Requests that somebody chose a version for are counted, but their latency is not.
        """
        names = sorted(each for version in versions for each in (version, chosen(version)))
        if not names:
            return {}
        kinds = "upstream_rq_(completed|5xx|active|time)"
        pattern = rf"^cluster\.({'|'.join(map(re.escape, names))})\.{kinds}$"
        answer = await self._json("/stats", format="json", filter=pattern)
        counters, latency = _split_stats(answer["stats"])
        return {version: _traffic(version, counters, latency) for version in versions}

    async def _stats(self, names: Iterable[str]) -> dict[str, Any]:
        pattern = f"^({'|'.join(map(re.escape, names))})$"
        counters, _ = _split_stats((await self._json("/stats", format="json", filter=pattern))["stats"])
        return counters

    async def _json(self, path: str, **query: str) -> dict[str, Any]:
        async with self.session.get(f"{self.url}{path}", params=query or None) as answer:
            answer.raise_for_status()
            decoded: dict[str, Any] = await answer.json(content_type=None)
            return decoded


def _is_healthy(status: Mapping[str, Any]) -> bool:
    hosts = status.get("host_statuses", [])
    failures = ("failed_active_health_check", "failed_outlier_check", "pending_active_hc")
    return bool(hosts) and not any(host.get("health_status", {}).get(name) for host in hosts for name in failures)


def _split_stats(stats: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Mapping[str, float | None]]]:
    """Plain values by name, and histograms as name -> {quantile: milliseconds}."""
    counters: dict[str, Any] = {}
    latency: dict[str, Mapping[str, float | None]] = {}
    for entry in stats:
        if "histograms" not in entry:
            counters[entry["name"]] = entry["value"]
            continue
        quantiles = [f"p{quantile:g}" for quantile in entry["histograms"]["supported_quantiles"]]
        for histogram in entry["histograms"]["computed_quantiles"]:
            values = (_latest(value) for value in histogram["values"])
            latency[histogram["name"]] = dict(zip(quantiles, values, strict=True))
    return counters, latency


def _latest(value: Mapping[str, float | None]) -> float | None:
    """Of the last statistics interval, or since the start while that interval is empty."""
    interval = value.get("interval")
    return interval if interval is not None else value.get("cumulative")


def _traffic(name: str, counters: Mapping[str, Any], latency: Mapping[str, Mapping[str, float | None]]) -> Traffic:
    def total(kind: str) -> int:
        return sum(int(counters.get(f"cluster.{each}.upstream_rq_{kind}", 0)) for each in (name, chosen(name)))

    times = latency.get(f"cluster.{name}.upstream_rq_time", {})
    return Traffic(
        requests=total("completed"),
        errors=total("5xx"),
        active=total("active"),
        p50_ms=times.get("p50"),
        p99_ms=times.get("p99"),
    )
