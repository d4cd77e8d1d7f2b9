"""The Deployment that stands for what KServe makes: both halves of the pod are in it."""

import copy
from typing import Any

import pytest

from stacks.scan.deployed import deployments

RUNTIME: dict[str, Any] = {
    "kind": "ServingRuntime",
    "metadata": {"name": "triton", "namespace": "models"},
    "spec": {
        "supportedModelFormats": [{"name": "triton"}],
        "annotations": {"from": "runtime"},
        "tolerations": [{"key": "gpu"}],
        "containers": [
            {
                "name": "kserve-container",
                "image": "triton@sha256:1",
                "args": ["--a"],
                "env": [{"name": "A", "value": "1"}],
            },
            {"name": "beside", "image": "beside@sha256:2", "resources": {"limits": {"memory": "1Gi"}}},
        ],
        "volumes": [{"name": "shm", "emptyDir": {}}],
    },
}
SERVICE: dict[str, Any] = {
    "kind": "InferenceService",
    "metadata": {"name": "clicks", "namespace": "models", "labels": {"endpoint": "clicks"}},
    "spec": {
        "predictor": {
            "minReplicas": 2,
            "maxReplicas": 4,
            "serviceAccountName": "serving",
            "securityContext": {"runAsNonRoot": True},
            "model": {
                "runtime": "triton",
                "storageUri": "s3://b/",
                "args": ["--b"],
                "resources": {"limits": {"memory": "1Gi"}},
            },
        }
    },
}


def test_runtime_and_service_become_one_pod() -> None:
    (deployment,) = deployments([RUNTIME, SERVICE, {"kind": "Namespace", "metadata": {"name": "models"}}])
    assert deployment["metadata"]["name"] == "clicks-predictor"
    assert deployment["spec"]["replicas"] == 2
    labels = {"endpoint": "clicks", "serving.kserve.io/inferenceservice": "clicks"}
    template = deployment["spec"]["template"]
    assert template["metadata"] == {"labels": labels, "annotations": {"from": "runtime"}}
    pod = template["spec"]
    assert pod["serviceAccountName"] == "serving"
    assert pod["securityContext"] == {"runAsNonRoot": True}
    assert pod["tolerations"] == [{"key": "gpu"}]
    assert pod["volumes"] == [{"name": "shm", "emptyDir": {}}]
    assert pod.keys() == {"serviceAccountName", "securityContext", "tolerations", "volumes", "containers"}
    container, beside = pod["containers"]
    assert container["args"] == ["--a", "--b"]
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert beside == RUNTIME["spec"]["containers"][1]


def test_a_runtime_that_is_not_there_is_named() -> None:
    other = copy.deepcopy(SERVICE)
    other["spec"]["predictor"]["model"]["runtime"] = "other"
    with pytest.raises(LookupError, match=r"clicks names the runtime other; there are \['triton'\]"):
        deployments([RUNTIME, other])
