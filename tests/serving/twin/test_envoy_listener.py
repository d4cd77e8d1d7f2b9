"""What the real gateway lets through, with the exact status for each kind of request."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from serving.twin.tokens import AUDIENCE, ISSUER, TokenIssuer, create_issuer
from tests.serving.fake_repository import MODEL_NAME, request_body
from tests.serving.stage import INFER, Stage
from tests.serving.waiting import wait_for

Forge = Callable[[TokenIssuer, Path], str]


def signed(issuer: TokenIssuer, **changes: Any) -> str:
    """A good token but for some claims; None takes a claim away."""
    now_s = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "t", "iat": now_s, "exp": now_s + 600, "roles": ["predict"]}
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(kept, issuer.key, algorithm="RS256", headers={"kid": "twin"})


def unsigned(issuer: TokenIssuer, _: Path) -> str:
    payload = signed(issuer).split(".")[1]
    return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}."


def public_key_as_secret(issuer: TokenIssuer, _: Path) -> str:
    """The classic confusion: HS256 with what everybody may know."""
    payload = signed(issuer).split(".")[1]
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': 'twin'})}.{payload}"
    digest = hmac.new(issuer.public_pem(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def tampered(issuer: TokenIssuer, _: Path) -> str:
    header, signature = signed(issuer).split(".")[::2]
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, "roles": ["predict", "admin"]}
    return f"{header}.{encoded(claims)}.{signature}"


TOKENS: list[tuple[str, Forge, int]] = [
    ("valid", lambda issuer, _: signed(issuer), 200),
    ("minted", lambda issuer, _: issuer.mint(), 200),
    ("one audience of several", lambda issuer, _: signed(issuer, aud=["other", AUDIENCE]), 200),
    ("one role of several", lambda issuer, _: signed(issuer, roles=["admin", "predict"]), 200),
    ("expired", lambda issuer, _: signed(issuer, exp=int(time.time()) - 60), 401),
    ("expired long ago", lambda issuer, _: issuer.mint(expires_in_s=-3600), 401),
    ("without expiry", lambda issuer, _: signed(issuer, exp=None), 401),
    ("not yet valid", lambda issuer, _: signed(issuer, nbf=int(time.time()) + 60), 401),
    ("foreign key", lambda _, folder: signed(create_issuer(folder)), 401),
    ("alg none", unsigned, 401),
    ("HS256 with the public key", public_key_as_secret, 401),
    ("tampered claims", tampered, 401),
    ("wrong issuer", lambda issuer, _: signed(issuer, iss="https://elsewhere"), 401),
    ("without issuer", lambda issuer, _: signed(issuer, iss=None), 401),
    ("garbage", lambda *_: "garbage", 401),
    ("two parts", lambda *_: "a.b", 401),
    ("empty", lambda *_: "", 401),
    ("wrong audience", lambda issuer, _: issuer.mint(audience="other"), 403),
    ("without audience", lambda issuer, _: signed(issuer, aud=None), 403),
    ("wrong role", lambda issuer, _: issuer.mint(roles=["admin"]), 403),
    ("no role", lambda issuer, _: issuer.mint(roles=[]), 403),
    ("without roles", lambda issuer, _: signed(issuer, roles=None), 403),
    ("role as a string", lambda issuer, _: signed(issuer, roles="predict"), 403),
    ("part of the role's name", lambda issuer, _: issuer.mint(roles=["predicts", "predic"]), 403),
]


@pytest.mark.parametrize(("forge", "status"), [row[1:] for row in TOKENS], ids=[row[0] for row in TOKENS])
def test_a_token_gets_exactly_its_status(shared: Stage, tmp_path: Path, forge: Forge, status: int) -> None:
    with shared.http("unused") as http:
        token = forge(shared.issuer, tmp_path)
        answer = http.post(INFER, content=request_body(), headers={"authorization": f"Bearer {token}".strip()})
    assert answer.status_code == status, answer.text


def test_no_token_or_another_scheme_is_401(shared: Stage) -> None:
    with shared.http() as http:
        del http.headers["authorization"]
        assert http.post(INFER, content=request_body()).status_code == 401
        basic = {"authorization": f"Basic {shared.issuer.mint()}"}
        assert http.post(INFER, content=request_body(), headers=basic).status_code == 401
        assert http.get("/anything").status_code == 401


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
