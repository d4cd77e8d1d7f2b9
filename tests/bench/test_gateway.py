"""The benchmark's gateway is the twin's, whole or with named parts left out."""

import json
from pathlib import Path

import pytest

from bench.gateway import GatewayShape, replicated, shaped
from serving.twin.envoy import Upstream, bootstrap, clusters
from serving.twin.envoy_listener import Gateway
from serving.twin.envoy_values import Json
from serving.twin.paths import TwinPaths


def test_the_whole_gateway_is_the_twins() -> None:
    assert shaped(twins(), GatewayShape()) == twins()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("tls", ["DownstreamTlsContext"]),
        ("token", ["envoy.filters.http.jwt_authn", "envoy.filters.http.rbac"]),
        ("body_check", ["envoy.filters.http.lua"]),
        ("access_log", ["FileAccessLog"]),
        ("limits", ["envoy.filters.http.local_ratelimit", "envoy.filters.http.buffer"]),
    ],
)
def test_a_part_can_be_left_out(part: str, words: list[str]) -> None:
    found = shaped(twins(), GatewayShape(**{part: False}))
    names = [one["name"] for one in twins_filters(found)]
    text = json.dumps({**found, "filters": names})
    for word in words:
        assert word in json.dumps(twins())
        assert word not in names
        assert word.startswith("envoy.") or word not in text
    assert names[-1] == "envoy.filters.http.router"


def test_every_cluster_holds_all_replicas() -> None:
    found = replicated(clusters([Upstream(version="v1", port=1)], model_name="m"), [1, 2])
    for cluster in found["resources"]:
        hosts = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        assert [host["endpoint"]["address"]["socket_address"]["port_value"] for host in hosts] == [1, 2]


def twins_filters(configuration: Json) -> list[Json]:
    chain = configuration["static_resources"]["listeners"][0]["filter_chains"][0]
    found: list[Json] = chain["filters"][0]["typed_config"]["http_filters"]
    return found


def twins() -> dict[str, object]:
    paths = TwinPaths(folder=Path("/somewhere"))
    gateway = Gateway(port=0, xds=paths.xds, access_log=paths.access_log, model_name="m")
    return bootstrap(paths, gateway, admin_port=0, buckets_ms=[1, 10])
