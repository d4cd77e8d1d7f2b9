"""Envoy's configuration as values: weights, versions of answers, and what Envoy itself says to it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.twin.envoy import Routing, Upstream, bootstrap, clusters, routes, secrets
from serving.twin.envoy_listener import Gateway
from serving.twin.paths import TwinPaths, find_envoy
from serving.twin.tokens import create_issuer


def routing(weights: dict[str, int]) -> Routing:
    return Routing(model_name="churn", weights=weights, request_timeout_s=5)


def routes_of(weights: dict[str, int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = routes(routing(weights))["resources"][0]["virtual_hosts"][0]["routes"]
    return found


@given(st.integers(1, 99))
def test_every_route_has_the_weights_and_tells_the_version(weight: int) -> None:
    for route in routes_of({"v1": 100 - weight, "v2": weight}):
        split = route["route"]["weighted_clusters"]["clusters"]
        assert {one["name"]: one["weight"] for one in split} == {"v1": 100 - weight, "v2": weight}
        headers = {one["name"]: one["response_headers_to_add"][0]["header"] for one in split}
        assert headers["v2"] == {"key": "x-stillhouse-version", "value": "v2"}


def test_without_weights_nobody_answers() -> None:
    assert all(route["direct_response"] == {"status": 503} for route in routes_of({}))


def test_only_what_never_reached_the_model_is_sent_again() -> None:
    reasons = routes_of({"v1": 100})[0]["route"]["retry_policy"]["retry_on"].split(",")
    assert set(reasons) == {"connect-failure", "refused-stream", "reset-before-request"}


def test_equal_contents_have_equal_versions_and_others_do_not() -> None:
    one, same = routes(routing({"v1": 90, "v2": 10})), routes(routing({"v1": 90, "v2": 10}))
    other = routes(routing({"v1": 89, "v2": 11}))
    assert one["version_info"] == same["version_info"] != other["version_info"]


def test_everything_listens_on_loopback_only(tmp_path: Path) -> None:
    text = json.dumps(
        [
            bootstrap(TwinPaths(folder=tmp_path), gateway_in(tmp_path), admin_port=0, buckets_ms=(1, 100)),
            clusters([Upstream(version="v1", port=1)], model_name="churn"),
        ]
    )
    assert text.count('"address": "127.0.0.1"') == text.count('"port_value"') == 3


def test_envoy_accepts_all_of_it(tmp_path: Path) -> None:
    paths = TwinPaths(folder=tmp_path)
    create_issuer(tmp_path)
    (tmp_path / "bootstrap.json").write_text(
        json.dumps(bootstrap(paths, gateway_in(tmp_path), admin_port=0, buckets_ms=(1, 100)))
    )
    for kind, answer in {
        "cds": clusters([Upstream(version="v1", port=1)], model_name="churn"),
        "rds": routes(routing({"v1": 100})),
        "sds": secrets(paths.certificates),
    }.items():
        (paths.xds / kind).mkdir(parents=True)
        (paths.xds / kind / f"{kind}.json").write_text(json.dumps(answer))
    command = [find_envoy(), "--mode", "validate", "--disable-hot-restart", "-c", tmp_path / "bootstrap.json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr.lower()


def gateway_in(folder: Path) -> Gateway:
    return Gateway(port=0, xds=folder / "xds", jwks=folder / "jwks.json", access_log=folder / "access.jsonl")
