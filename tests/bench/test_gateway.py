"""The benchmark's gateway is the twin's, whole or with named parts left out."""

import json
from pathlib import Path

from bench.gateway import GatewayShape, replicated, shaped
from serving.twin.envoy import Upstream, bootstrap, clusters
from serving.twin.envoy_listener import Gateway
from serving.twin.paths import TwinPaths


def test_the_whole_gateway_is_the_twins() -> None:
    assert shaped(twins(), GatewayShape()) == twins()


def test_parts_can_be_left_out() -> None:
    text = json.dumps(shaped(twins(), GatewayShape(tls=False, token=False)))
    for part in ("DownstreamTlsContext", '"name": "envoy.filters.http.jwt_authn"', '"name": "envoy.filters.http.rbac"'):
        assert part in json.dumps(twins())
        assert part not in text
    assert "json_to_metadata" in text


def test_every_cluster_holds_all_replicas() -> None:
    found = replicated(clusters([Upstream(version="v1", port=1)], model_name="m"), [1, 2])
    for cluster in found["resources"]:
        hosts = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        assert [host["endpoint"]["address"]["socket_address"]["port_value"] for host in hosts] == [1, 2]


def twins() -> dict[str, object]:
    paths = TwinPaths(folder=Path("/somewhere"))
    gateway = Gateway(port=0, xds=paths.xds, access_log=paths.access_log, model_name="m")
    return bootstrap(paths, gateway, admin_port=0, buckets_ms=[1, 10])
