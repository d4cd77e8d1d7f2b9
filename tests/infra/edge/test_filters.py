"""The gateway's patches: accepted by a real Envoy, in the right order, with the limits that were given."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.edge.filters import EdgeLimits, filter_spec
from infra.edge.gateway import SELECTOR
from serving.twin.paths import find_envoy

LIMITS = EdgeLimits(requests_per_s=250, max_body_bytes=4096, max_connections=100)
ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
}


def _patches(kind: str) -> list[dict[str, Any]]:
    return [patch for patch in filter_spec(LIMITS, SELECTOR)["configPatches"] if patch["applyTo"] == kind]


def _filters() -> list[dict[str, Any]]:
    """The HTTP filters in the order in which Istio would put them."""
    filters = [ROUTER]
    for patch in _patches("HTTP_FILTER"):
        place = 0 if patch["patch"]["operation"] == "INSERT_FIRST" else filters.index(ROUTER)
        filters.insert(place, patch["patch"]["value"])
    return filters


def _bootstrap() -> dict[str, Any]:
    manager = {
        **_patches("NETWORK_FILTER")[0]["patch"]["value"]["typed_config"],
        "stat_prefix": "edge",
        "route_config": {"name": "none", "virtual_hosts": [{"name": "none", "domains": ["*"], "routes": []}]},
        "http_filters": _filters(),
    }
    listener = {
        **_patches("LISTENER")[0]["patch"]["value"],
        "name": "edge",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    return {"static_resources": {"listeners": [listener]}}


def _validate(folder: Path, bootstrap: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    path = folder / "envoy.json"
    path.write_text(json.dumps(bootstrap))
    command = [str(find_envoy()), "--mode", "validate", "--config-path", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_envoy_takes_every_patch(tmp_path: Path) -> None:
    result = _validate(tmp_path, _bootstrap())
    assert result.returncode == 0, result.stderr


def test_envoy_would_say_so_if_not(tmp_path: Path) -> None:
    bootstrap = _bootstrap()
    manager = bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"][1]["typed_config"]["token_bukket"] = {}
    assert _validate(tmp_path, bootstrap).returncode != 0


def test_the_cheap_refusal_comes_first_and_the_body_last() -> None:
    assert [found["name"].rpartition(".")[2] for found in _filters()] == [
        "header_mutation",
        "local_ratelimit",
        "buffer",
        "router",
    ]


def test_limits_arrive() -> None:
    by_name = {found["name"].rpartition(".")[2]: found["typed_config"] for found in _filters()}
    assert by_name["local_ratelimit"]["token_bucket"]["max_tokens"] == 250
    assert by_name["buffer"]["max_request_bytes"] == 4096
    removed = {mutation["remove"] for mutation in by_name["header_mutation"]["mutations"]["request_mutations"]}
    assert {"x-envoy-upstream-rq-timeout-ms", "x-envoy-retry-on", "x-envoy-max-retries"} <= removed


def test_every_patch_is_for_the_gateway_alone() -> None:
    spec = filter_spec(LIMITS, SELECTOR)
    assert spec["workloadSelector"] == {"labels": SELECTOR}
    assert {patch["match"]["context"] for patch in spec["configPatches"]} == {"GATEWAY"}


@pytest.mark.parametrize("field", ["requests_per_s", "max_body_bytes", "max_connections"])
def test_limits_are_positive(field: str) -> None:
    with pytest.raises(ValueError, match=rf"{field}: \(got 0\); allowed are whole numbers from 1"):
        EdgeLimits(**{"requests_per_s": 1, field: 0})
