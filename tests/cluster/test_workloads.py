"""The pod that a workload would make."""

from typing import Any

import pytest

from tests.cluster.workloads import pod_of

TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "main"}]}}


def workload(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "any/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_a_template_becomes_a_pod(kind: str) -> None:
    assert pod_of(workload(kind, {"template": TEMPLATE}), "here") == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": {"app": "a"}, "name": "a", "namespace": "here"},
        "spec": {"containers": [{"name": "main"}]},
    }


@pytest.mark.parametrize(
    ("kind", "spec"),
    [("Job", {"template": TEMPLATE}), ("CronJob", {"jobTemplate": {"spec": {"template": TEMPLATE}}})],
)
def test_a_jobs_pod_does_not_start_again(kind: str, spec: dict[str, Any]) -> None:
    pod = pod_of(workload(kind, spec), "here")
    assert pod is not None
    assert pod["spec"]["restartPolicy"] == "Never"


def test_other_kinds_make_no_pod() -> None:
    assert pod_of(workload("ConfigMap", {}), "here") is None
