"""The place for conductors: what they reach, who reaches them, and where the token is."""

from typing import Any

import pulumi
import pytest

from infra.conductor.room import ConductorRoom, ConductorRoomArgs
from stacks.capture.fakes_kubernetes import FAKES
from stacks.capture.run import Capture, capture
from stacks.capture.values import Secret
from tests.infra.in_cluster import body

TOKEN = "token-of-the-test"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def _program() -> None:
    room = ConductorRoom("conductors", ConductorRoomArgs(endpoints=3, git_token=TOKEN))
    pulumi.export("namespace", room.namespace)


@pytest.fixture(params=[False, True], ids=["update", "preview"])
def run(request: pytest.FixtureRequest) -> Capture:
    return capture(_program, fakes=FAKES, preview=request.param)


def test_nobody_gets_in_and_only_names_https_and_prometheus_are_reached(run: Capture) -> None:
    specs = {body(one)["metadata"]["name"]: body(one)["spec"] for one in run.of_type(POLICY)}
    assert specs.keys() == {"deny-all", "dns", "git", "prometheus"}
    assert not any(spec.get("ingress") for spec in specs.values())
    (queries,) = specs["prometheus"]["egress"]
    assert queries["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert queries["ports"] == [{"port": 9090, "protocol": "TCP"}]
    (git,) = specs["git"]["egress"]
    assert [port["port"] for port in git["ports"]] == [443]
    assert git["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"], "no node's role"


def test_the_account_has_no_token_and_no_right(run: Capture) -> None:
    account = body(run.one("kubernetes:core/v1:ServiceAccount"))
    assert account["automountServiceAccountToken"] is False
    assert not account["metadata"].get("annotations"), "no role in AWS either"
    assert not [one.type for one in run.resources if "rbac" in one.type]


def test_the_token_stays_secret_and_is_there_before_anybody_learns_of_the_place(run: Capture) -> None:
    secret = run.one("kubernetes:core/v1:Secret")
    data: Any = secret.inputs["stringData"]
    assert isinstance(data, Secret) or isinstance(data["token"], Secret)
    assert body(secret)["stringData"] == {"token": TOKEN}
    assert TOKEN not in repr([body(one) for one in run.resources if one.urn != secret.urn])
    assert body(run.one("kubernetes:core/v1:Namespace"))["metadata"]["labels"]["istio-injection"] == "disabled"


def test_a_pod_for_each_endpoint_must_fit() -> None:
    (asked,) = ConductorRoomArgs(endpoints=3, git_token="t").requests()
    assert (asked.count, asked.memory_mib) == (3, 256)
    with pytest.raises(ValueError, match=r"endpoints: \(got 0\)"):
        ConductorRoomArgs(endpoints=0, git_token="t")
