"""What the real gateway lets through, with the exact status for each kind of request."""

import json
import socket
import ssl
from typing import Any

import httpx
import pytest

from tests.serving.fake_repository import MODEL_NAME, request_body
from tests.serving.stage import INFER, Stage
from tests.serving.waiting import wait_for


def test_only_the_endpoints_paths_and_methods_exist(shared: Stage) -> None:
    with shared.http() as http:
        statuses = {
            ("POST", INFER): 200,
            ("GET", f"/v2/models/{MODEL_NAME}/ready"): 200,
            ("GET", f"/v2/models/{MODEL_NAME}"): 200,
            ("GET", INFER): 404,
            ("POST", "/v2/models/other/infer"): 404,
            ("POST", f"/v2/models/{MODEL_NAME}/versions/1/infer"): 404,
            ("POST", f"/v2/repository/models/{MODEL_NAME}/unload"): 404,
            ("POST", "/v2/repository/index"): 404,
            ("GET", "/v2/systemsharedmemory/status"): 404,
            ("POST", "/v2/logging"): 404,
            ("GET", "/metrics"): 404,
            ("POST", f"/x/..{INFER}"): 200,
            ("POST", f"/%2e%2e/v2/models%2F{MODEL_NAME}/infer"): 400,
        }
        found = {
            (method, path): http.request(
                method, httpx.URL(http.base_url).copy_with(raw_path=path.encode()),
                content=request_body() if method == "POST" else None,
            ).status_code
            for method, path in statuses
        }  # fmt: skip
    assert found == statuses


def test_a_body_over_the_limit_is_413_and_one_below_gets_to_the_model(shared: Stage) -> None:
    limit = 64 * 1024
    padded = request_body()[:-1] + b" " * (limit - len(request_body()) - 1) + b"}"
    with shared.http() as http:
        assert http.post(INFER, content=padded).status_code == 200
        assert http.post(INFER, content=padded + b" " * 1024).status_code == 413
        assert http.post(INFER, content=iter([padded, b" " * 1024])).status_code == 413


def test_plain_http_and_a_foreign_authority_get_nothing(shared: Stage) -> None:
    assert shared.status is not None
    with pytest.raises(httpx.TransportError):
        httpx.post(shared.status.url.replace("https", "http") + INFER, trust_env=False)
    with httpx.Client(trust_env=False, verify=ssl.create_default_context()) as http, pytest.raises(httpx.ConnectError):
        http.post(shared.status.url + INFER)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_endpoint_speaks_tls_1_2_and_1_3(shared: Stage, version: ssl.TLSVersion) -> None:
    assert shared.status is not None
    context = ssl.create_default_context(cafile=shared.status.ca_path)
    context.minimum_version = context.maximum_version = version
    address = ("127.0.0.1", httpx.URL(shared.status.url).port or 0)
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        assert secure.version() == version.name.replace("_", ".")


def test_the_access_log_knows_the_caller_and_the_version(shared: Stage) -> None:
    with shared.http(shared.issuer.mint(subject="someone in particular")) as http:
        assert http.post(INFER, content=request_body()).status_code == 200
    log = shared.folder / "logs/access.jsonl"

    def logged() -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        return [entry for entry in entries if entry["subject"] == "someone in particular"]

    wait_for(lambda: bool(logged()), what="the entry of the access log")
    entry = logged()[0]
    assert (entry["status"], entry["version"], entry["path"]) == (200, "v1", INFER)
    assert entry["request_id"]
