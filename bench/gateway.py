"""The twin's Envoy in front of anything that speaks the V2 protocol: TLS, token, weighted route, all filters.

Parts can be left out, to see what they cost, and one version can have several replicas.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.process import Program, answers, running
from serving.signals.buckets import latency_buckets_ms
from serving.twin.envoy import Upstream, bootstrap, clusters
from serving.twin.envoy_listener import Gateway
from serving.twin.envoy_routes import routes
from serving.twin.envoy_values import Json, loopback
from serving.twin.paths import TwinPaths, find_envoy
from serving.twin.publisher import write_watched
from serving.twin.rotation import prepare_identity
from serving.twin.routing import Patience, Routing
from serving.twin.tokens import open_issuer

VERSION = "v1"
_FILTERS = {
    "token": ("jwt_authn", "rbac"),
    "body_check": ("lua",),
    "limits": ("header_mutation", "local_ratelimit", "buffer"),
}
"""Field of `GatewayShape` -> Envoy's filters that do it."""
_READY_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayShape:
    """What of the gateway is there."""

    tls: bool = True
    token: bool = True
    """Checked, and its role."""
    body_check: bool = True
    """Whether the body is a JSON object."""
    access_log: bool = True
    limits: bool = True
    """Of rate and size, and headers that are taken away."""
    workers: int = 1
    """Threads; one saturates a core."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningGateway:
    """An Envoy that serves."""

    program: Program
    url: str
    ca: Path | None
    token: str
    """Good for an hour."""


@contextmanager
def gateway(
    folder: Path,
    ports: Sequence[int],
    model_name: str,
    shape: GatewayShape | None = None,
    *,
    ready_path: str | None = None,
) -> Iterator[RunningGateway]:
    """Envoy in front of the servers on `ports`, until the block ends; begins when it finds them healthy.

    Raises:
        UserError: it does not come up, or the servers do not answer `ready_path`, by default the V2 protocol's.
    """
    shape = shape or GatewayShape()
    paths = TwinPaths(folder=folder)
    paths.logs.mkdir(parents=True, exist_ok=True)
    prepare_identity(paths)
    write_watched(paths.xds, "cds", replicated(clusters(_upstreams(ports), model_name=model_name), ports, ready_path))
    routing = Routing(model_name=model_name, weights={VERSION: 100}, patience=Patience(total_s=5.0))
    write_watched(paths.xds, "rds", routes(routing))
    address = folder / "admin-address"
    address.unlink(missing_ok=True)
    configuration = folder / "bootstrap.json"
    configuration.write_text(json.dumps(shaped(_bootstrap(paths, model_name), shape), indent=1))
    command = [
        str(find_envoy()),
        "--disable-hot-restart",
        *("--config-path", str(configuration)),
        *("--admin-address-path", str(address)),
        *("--concurrency", str(shape.workers)),
        *("--log-level", "warning"),
        *("--file-flush-interval-msec", "500"),
    ]
    with running("envoy", command, folder=paths.logs) as program:
        program.wait_until(lambda: address.exists() and ":" in address.read_text(), _READY_S)
        admin = f"http://127.0.0.1:{address.read_text().rsplit(':', 1)[1]}"
        program.wait_until(lambda: answers(f"{admin}/ready"), _READY_S)
        scheme = "https" if shape.tls else "http"
        served = RunningGateway(
            program=program,
            url=f"{scheme}://localhost:{_listener_port(admin)}",
            ca=paths.ca if shape.tls else None,
            token=open_issuer(paths.tokens).mint(),
        )
        program.wait_until(lambda: _num_healthy(admin) == len(ports), _READY_S)
        yield served


def shaped(configuration: Json, shape: GatewayShape) -> Json:
    """The twin's configuration without the parts that are left out."""
    chain = configuration["static_resources"]["listeners"][0]["filter_chains"][0]
    if not shape.tls:
        del chain["transport_socket"]
    manager = chain["filters"][0]["typed_config"]
    if not shape.access_log:
        del manager["access_log"]
    out = {f"envoy.filters.http.{one}" for part, names in _FILTERS.items() if not getattr(shape, part) for one in names}
    manager["http_filters"] = [one for one in manager["http_filters"] if one["name"] not in out]
    return configuration


def replicated(discovered: Json, ports: Sequence[int], ready_path: str | None = None) -> Json:
    """Let every cluster hold all replicas, which are well when they answer `ready_path`, by default the V2 protocol's.

    The one with fewer requests under way gets the next.
    """
    endpoints = [{"endpoint": {"address": loopback(port)}} for port in ports]
    for cluster in discovered["resources"]:
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": endpoints}]
        cluster["lb_policy"] = "LEAST_REQUEST"
        if ready_path:
            cluster["health_checks"][0]["http_health_check"]["path"] = ready_path
    return discovered


def _upstreams(ports: Sequence[int]) -> list[Upstream]:
    return [Upstream(version=VERSION, port=ports[0])]


def _bootstrap(paths: TwinPaths, model_name: str) -> Json:
    listener = Gateway(port=0, xds=paths.xds, access_log=paths.access_log, model_name=model_name)
    return bootstrap(paths, listener, admin_port=0, buckets_ms=latency_buckets_ms(10))


def _num_healthy(admin: str) -> int:
    name = f"cluster.{VERSION}.membership_healthy"
    found = httpx.get(f"{admin}/stats", params={"filter": f"^{name}$"}, trust_env=False).text
    return int(found.rpartition(":")[2] or 0)


def _listener_port(admin: str) -> int:
    found = httpx.get(f"{admin}/listeners", params={"format": "json"}, trust_env=False).json()
    return int(found["listener_statuses"][0]["local_address"]["socket_address"]["port_value"])
