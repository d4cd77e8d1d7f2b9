"""Certificates and keys change under load, and what Envoy refuses changes nothing."""

import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from model.errors import UserError
from serving.release_match import ByHeader
from serving.twin.certificates import serial_number
from serving.twin.control import call
from serving.twin.publisher import write_watched
from serving.twin.run import twin_reconcile, twin_rotate, twin_status
from tests.serving.fake_repository import request_body
from tests.serving.stage import INFER, Stage
from tests.serving.waiting import wait_for


def shown_serial(stage: Stage) -> int:
    """Of the certificate that a new connection gets, checked against the authority."""
    assert stage.status is not None
    context = ssl.create_default_context(cafile=stage.status.ca_path)
    address = ("127.0.0.1", httpx.URL(stage.status.url).port or 0)
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        certificate = secure.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def ask(stage: Stage, token: str) -> int:
    with stage.http(token) as http:
        return http.post(INFER, content=request_body()).status_code


def test_a_new_certificate_is_shown_at_once_and_no_request_is_lost(stage: Stage) -> None:
    before = shown_serial(stage)
    load = stage.load(rate_per_s=150)
    wait_for(lambda: load.progress()[0] >= 30, what="traffic")
    for _ in range(3):
        told = twin_rotate(stage.folder, "certificate")
        now = shown_serial(stage)
        assert now == serial_number(stage.folder / "certificates") != before
        assert told == f"certificate {before:x} -> {now:x}"
        before, answered = now, load.progress()[0]
        wait_for(lambda least=answered + 30: load.progress()[0] >= least, what="traffic after it")  # type: ignore[misc]
    summary = load.stop().summary()
    assert summary.failures == 0, (summary.failures_by_status, summary.errors)


def test_a_new_key_signs_and_tokens_of_the_one_before_stay_good(stage: Stage) -> None:
    first, first_id = stage.issuer.mint(), stage.issuer.key_id
    load = stage.load(rate_per_s=150)
    wait_for(lambda: load.progress()[0] >= 30, what="traffic")
    told = twin_rotate(stage.folder, "key")
    answered = load.progress()[0]
    wait_for(lambda: load.progress()[0] >= answered + 30, what="traffic after it")
    summary = load.stop().summary()
    assert summary.failures == 0, (summary.failures_by_status, summary.errors)
    second = stage.issuer.mint()
    assert told == f"tokens are signed by {stage.issuer.key_id}; those of {first_id} stay good"
    assert (ask(stage, first), ask(stage, second)) == (200, 200)
    twin_rotate(stage.folder, "key")
    assert (ask(stage, first), ask(stage, second), ask(stage, stage.issuer.mint())) == (401, 200, 200)


def test_a_revoked_key_signs_nothing_good_from_that_moment(stage: Stage) -> None:
    stolen = stage.issuer.mint()
    assert ask(stage, stolen) == 200
    assert twin_rotate(stage.folder, "revoke").endswith("no others are good")
    assert ask(stage, stolen) == 401
    assert ask(stage, stage.issuer.mint()) == 200


def test_what_cannot_be_rotated_is_named(stage: Stage) -> None:
    with pytest.raises(UserError, match=r"certificate, key or revoke \(got moon\)"):
        call(stage.folder / "control.sock", "rotate", within_s=60, what="moon")


def broken_routes(stage: Stage) -> None:
    path = stage.folder / "xds/rds/rds.json"
    answer = json.loads(path.read_text())
    answer["version_info"] = "by hand"
    answer["resources"][0]["virtual_hosts"][0]["domains"] = ["*", "*"]
    write_watched(stage.folder / "xds", "rds", answer)


def half_a_file(stage: Stage) -> None:
    path = stage.folder / "xds/rds/rds.json"
    draft = Path(f"{path}.half")
    draft.write_text(path.read_text()[:500])
    draft.replace(path)


@pytest.mark.parametrize("spoil", [broken_routes, half_a_file])
def test_routes_that_envoy_refuses_change_nothing_the_status_says_so_and_a_reconcile_mends_it(
    stage: Stage, spoil: object
) -> None:
    candidate = stage.add_next()
    stage.canary(candidate, 50)
    assert twin_status(stage.folder).gateway_error is None
    load = stage.load(rate_per_s=100)
    assert callable(spoil)
    spoil(stage)
    wait_for(lambda: twin_status(stage.folder).gateway_error is not None, what="the complaint")
    answered = load.progress()[0]
    wait_for(lambda: load.progress()[0] >= answered + 100, what="traffic by the old routes")
    status = twin_status(stage.folder)
    assert status.gateway_error is not None
    assert status.gateway_error.startswith("Envoy refused the routes in")
    assert "it goes on with" in status.gateway_error
    assert status.release == f"{stage.stable} 50 %, {candidate} 50 %"
    twin_reconcile(stage.folder)
    wait_for(lambda: twin_status(stage.folder).gateway_error is None, what="the end of the complaint")
    summary = load.stop().summary()
    assert summary.failures == 0, (summary.failures_by_status, summary.errors)
    # Binomial(200, 0.5) and more: six standard deviations.
    share = summary.requests_by_version[candidate] / summary.requests
    assert abs(share - 0.5) < 6 * 0.5 / summary.requests**0.5


def test_token_rules_that_envoy_refuses_leave_the_keys_as_they_were(stage: Stage) -> None:
    path = stage.folder / "xds/ecds/ecds.json"
    write_watched(stage.folder / "xds", "ecds", {"version_info": "by hand", "resources": [{"@type": "nonsense"}]})
    wait_for(lambda: "token rules" in (twin_status(stage.folder).gateway_error or ""), what="the complaint")
    assert ask(stage, stage.issuer.mint()) == 200
    assert ask(stage, "garbage") == 401
    twin_rotate(stage.folder, "key")
    assert "nonsense" not in path.read_text()
    wait_for(lambda: twin_status(stage.folder).gateway_error is None, what="the end of the complaint")


def test_no_request_is_lost_when_a_weight_goes_from_nothing_to_much_and_back(stage: Stage) -> None:
    """The candidate runs all the time, for testers alone at first; each change meets a version that had no traffic."""
    stable, candidate = stage.stable, stage.add_next()
    beta = ByHeader(kind="header", header="x-plan", value="beta")
    stage.compare(candidate, beta, weight=0)
    load = stage.load(rate_per_s=200)
    for weight in (50, 0, 90, 0, 10, 0, 99, 0):
        stage.compare(candidate, beta, weight=weight)
        answered = load.progress()[0]
        wait_for(lambda least=answered + 40: load.progress()[0] >= least, what="traffic")  # type: ignore[misc]
    summary = load.stop().summary()
    assert summary.failures == 0, (summary.failures_by_status, summary.errors)
    assert set(summary.requests_by_version) == {stable, candidate}
