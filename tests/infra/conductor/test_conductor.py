"""The Deployment of a conductor, and the words that it starts `stillhouse` with."""

from typing import Any

import pytest

from infra.conductor.conductor import Conductor, ConductorArgs
from stacks.capture.fakes_kubernetes import FAKES
from stacks.capture.run import capture
from tests.infra.in_cluster import body

IMAGE = "registry.example/stillhouse@sha256:" + "c" * 64
ARGS: dict[str, Any] = {
    "endpoint": "churn",
    "environment": "prod",
    "namespace": "conductor",
    "image": IMAGE,
    "repository": "https://git.example/stillhouse.git",
    "branch": "main",
    "prometheus_url": "http://prometheus.example:9090",
    "serving_namespace": "models",
    "gateway_namespace": "istio-ingress",
    "scrape_s": 15,
}


@pytest.fixture(scope="module")
def deployment() -> Any:
    def program() -> None:
        Conductor("churn-conductor", ConductorArgs(**ARGS))

    run = capture(program, fakes=FAKES)
    return body(run.one("kubernetes:apps/v1:Deployment"))


def test_there_is_one_at_a_time_and_no_update_waits_for_it(deployment: Any) -> None:
    spec = deployment["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert deployment["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}, "or a rollback would wait for it"
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


def test_it_has_no_way_into_the_cluster(deployment: Any) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "conductor"
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert "ports" not in container
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_all_that_it_writes_and_reads_is_mounted(deployment: Any) -> None:
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    assert mounted == {"/work": False, "/var/run/git": True}
    variables = {one["name"]: one["value"] for one in container["env"]}
    paths = [variables["HOME"], variables["TMPDIR"], *_after(container["args"], "--repo", "--beat")]
    assert all(path.startswith("/work") for path in paths)
    assert {volume["name"] for volume in pod["volumes"]} == {mount["name"] for mount in container["volumeMounts"]}


def test_it_conducts_its_endpoint_for_ever(deployment: Any) -> None:
    words = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert words[:2] == ["release", "run"]
    assert _after(words, "--endpoint", "--env", "--until", "--clone") == ["churn", "prod", "told", ARGS["repository"]]


def test_an_image_without_a_digest_is_refused() -> None:
    with pytest.raises(ValueError, match=r"image: \(got stillhouse:latest\); .*has no digest"):
        ConductorArgs(**ARGS | {"image": "stillhouse:latest"})


def _after(words: list[str], *options: str) -> list[str]:
    return [words[words.index(option) + 1] for option in options]
