"""The serving pod: restricted, bounded, asked by a real prediction, drained before it stops."""

from dataclasses import replace
from typing import Any

import pytest

from infra.kserve.triton import Accelerator, TritonRuntimeArgs, probe_name, probe_source
from infra.kserve.triton_pod import TritonPod, runtime_spec, triton_flags
from infra.nodes.placement import CPU, GPU
from tests.infra.in_cluster import IMAGE, body, captured

POD = TritonPod()
RUNTIME = "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime"


def _spec(gpus: int) -> dict[str, Any]:
    place = GPU if gpus else CPU
    return runtime_spec(
        POD,
        image=IMAGE,
        probe_config_map="probe",
        gpus=gpus,
        node_selector=place.node_selector,
        tolerations=place.tolerations,
        latency_goal_ms=100,
        max_body_bytes=4096,
    )


def _container(gpus: int = 0) -> dict[str, Any]:
    (container,) = _spec(gpus)["containers"]
    assert isinstance(container, dict)
    return container


def _options(gpus: int = 0) -> dict[str, str]:
    flags = triton_flags(POD, gpus=gpus, max_body_bytes=4096)
    parts = (flag.removeprefix("--").partition("=") for flag in flags)
    return {name: value for name, _, value in parts}


def test_the_container_is_restricted() -> None:
    assert _container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_what_it_writes_is_bounded() -> None:
    volumes = {volume["name"]: volume for volume in _spec(0)["volumes"]}
    assert volumes["shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "256Mi"}
    assert volumes["tmp"]["emptyDir"] == {"sizeLimit": "256Mi"}
    mounts = {mount["name"]: mount["mountPath"] for mount in _container()["volumeMounts"]}
    assert mounts == {"probe": "/opt/stillhouse", "tmp": "/tmp", "shm": "/dev/shm"}


def test_memory_must_hold_what_counts_as_memory() -> None:
    with pytest.raises(ValueError, match=r"memory_gib: \(got 1\)"):
        TritonPod(memory_gib=1, shared_memory_mib=1024)


def test_the_first_port_is_the_one_that_kserves_service_takes() -> None:
    ports = [(port["name"], port["containerPort"]) for port in _container()["ports"]]
    assert ports == [("http1", 8080), ("h2c", 9000), ("metrics", 8002)]


def test_triton_loads_once_and_fails_loudly() -> None:
    options = _options()
    assert options["model-control-mode"] == "none"
    assert options["exit-on-error"] == options["strict-readiness"] == "true"
    assert options["disable-auto-complete-config"] == ""
    assert options["allow-sagemaker"] == options["allow-vertex-ai"] == "false"
    assert options["http-max-input-size"] == "4096"
    assert "allow-client-shm" not in options
    assert not any(name.startswith("trace") for name in options)


@pytest.mark.parametrize("option", ["http-restricted-api", "grpc-restricted-protocol"])
def test_administration_asks_for_what_no_caller_knows(option: str) -> None:
    apis, _, key = _options()[option].partition(":")
    assert set(apis.split(",")) == {
        "shared-memory",
        "model-config",
        "model-repository",
        "statistics",
        "trace",
        "logging",
    }
    assert key.endswith("=$(POD_UID)")
    assert _container()["env"][0]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.uid"}}


def test_probes_ask_the_model_itself() -> None:
    container = _container()
    asked = {
        name: container[name]["exec"]["command"][2] for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert asked == {"startupProbe": "answers", "readinessProbe": "alive", "livenessProbe": "answers"}
    for name in asked:
        command = container[name]["exec"]["command"]
        assert command[:2] == ["python3", "/opt/stillhouse/probe.py"]
        assert command[3:] == ["127.0.0.1:8080", "/mnt/models"]


def test_a_probe_may_take_longer_than_its_own_connection() -> None:
    container = _container()
    assert container["livenessProbe"]["timeoutSeconds"] > 5
    assert container["readinessProbe"]["timeoutSeconds"] > 2
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] == POD.startup_s


def test_it_pauses_before_it_stops_within_kubernetes_own_grace() -> None:
    assert _container()["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "10"]
    assert POD.pause_s + POD.exit_timeout_s < 30
    assert _options()["exit-timeout-secs"] == str(POD.exit_timeout_s)


def test_only_the_gpu_runtime_asks_for_a_gpu() -> None:
    with_gpu, without = _container(1)["resources"], _container(0)["resources"]
    assert with_gpu["limits"]["nvidia.com/gpu"] == with_gpu["requests"]["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in without["limits"]


def test_a_release_can_ask_for_more_cores_than_the_runtime() -> None:
    assert "cpu" not in _container()["resources"]["limits"]


def test_each_runtime_lands_on_its_pool() -> None:
    for place in (CPU, GPU):
        spec = _spec(int(place.has_gpu))
        assert spec["nodeSelector"] == place.node_selector
        assert spec["tolerations"] == place.tolerations


def test_metrics_pass_the_sidecar() -> None:
    assert _spec(0)["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] == "8002"


def test_another_probe_has_another_name() -> None:
    assert probe_name("triton-cpu", "a") != probe_name("triton-cpu", "b")
    compile(probe_source(), "probe.py", "exec")


@pytest.mark.parametrize("image", ["nvcr.io/nvidia/tritonserver:26.07-py3", "a@sha256:12"])
def test_an_image_without_a_digest_is_refused(image: str) -> None:
    args = TritonRuntimeArgs(
        namespace="models",
        accelerator=Accelerator.CPU,
        image=IMAGE,
        node_selector={},
        tolerations=[],
        latency_goal_ms=100,
        max_body_bytes=1,
    )
    with pytest.raises(ValueError, match=r"image: \(got .*allowed is"):
        replace(args, image=image)


def test_both_runtimes_mount_a_probe_that_is_there() -> None:
    run = captured()
    maps = {body(found)["metadata"]["name"]: body(found) for found in run.of_type("kubernetes:core/v1:ConfigMap")}
    runtimes = [body(found) for found in run.of_type(RUNTIME)]
    assert {found["metadata"]["name"] for found in runtimes} == {"triton-cpu", "triton-gpu"}
    for found in runtimes:
        (mounted,) = [volume for volume in found["spec"]["volumes"] if volume["name"] == "probe"]
        assert maps[mounted["configMap"]["name"]]["data"] == {"probe.py": probe_source()}
        assert maps[mounted["configMap"]["name"]]["immutable"] is True
