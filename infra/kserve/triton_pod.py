"""The pod that serves: Triton's flags, ports, probes, security, drain. KServe merges a model and a service into it.

What a ServingRuntime cannot say stands in the InferenceService: pod security context, service account, grace period,
topology spread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.mesh.values import histogram_annotation

HTTP_PORT = 8080
GRPC_PORT = 9000
METRICS_PORT = 8002
MODELS = "/mnt/models"
"""Where KServe puts the repository."""
USER = 1000
"""`triton-server` of NVIDIA's image."""
_PROBE_FOLDER = "/opt/stillhouse"
_CLOSED_APIS = ("shared-memory", "model-config", "model-repository", "statistics", "trace", "logging")
_KEY_HEADER = "x-stillhouse-pod"


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonPod:
    """Sizes and times of one pod, before a release asks for more."""

    cpu: int = 2
    """Cores requested; a release states its own."""
    memory_gib: int = 4
    """Requested and limit; what is in /tmp and /dev/shm counts."""
    shared_memory_mib: int = 256
    """Of /dev/shm, through which Triton and the model's process exchange tensors."""
    scratch_mib: int = 256
    """Of /tmp."""
    http_threads: int = 16
    """Connections are pinned to threads: at least as many as the gateway keeps busy."""
    pause_s: int = 10
    """Between the order to stop and SIGTERM, while the gateway learns that the pod is gone."""
    exit_timeout_s: int = 8
    """How long Triton waits for open connections after SIGTERM."""
    startup_s: int = 600
    """Until the first answer; later is a failed start."""

    def __post_init__(self) -> None:
        if self.shared_memory_mib + self.scratch_mib >= 1024 * self.memory_gib:
            raise ValueError(
                f"memory_gib: (got {self.memory_gib}); allowed is more than /dev/shm and /tmp together, "
                f"{self.shared_memory_mib + self.scratch_mib} MiB"
            )


def runtime_spec(
    pod: TritonPod,
    *,
    image: str,
    probe_config_map: str,
    gpus: int,
    node_selector: Mapping[str, str],
    tolerations: Sequence[Mapping[str, str]],
    latency_goal_ms: int,
    max_body_bytes: int,
) -> dict[str, Any]:
    """The body of the ServingRuntime."""
    return {
        "supportedModelFormats": [{"name": "triton", "version": "2", "autoSelect": False}],
        "protocolVersions": ["v2", "grpc-v2"],
        "multiModel": False,
        "annotations": {
            **histogram_annotation(latency_goal_ms),
            # Prometheus is not in the mesh; a NetworkPolicy lets only it reach this port.
            "traffic.sidecar.istio.io/excludeInboundPorts": str(METRICS_PORT),
        },
        "nodeSelector": dict(node_selector),
        "tolerations": [dict(toleration) for toleration in tolerations],
        "containers": [_container(pod, image=image, gpus=gpus, max_body_bytes=max_body_bytes)],
        "volumes": [
            {"name": "probe", "configMap": {"name": probe_config_map, "defaultMode": 0o444}},
            {"name": "tmp", "emptyDir": {"sizeLimit": f"{pod.scratch_mib}Mi"}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{pod.shared_memory_mib}Mi"}},
        ],
    }


def triton_flags(pod: TritonPod, *, gpus: int, max_body_bytes: int) -> list[str]:
    """Only what an endpoint needs is switched on.

    The closed calls ask for the pod's UID, which no caller knows: they are closed to everybody. Triton's restrictions
    were bypassed before, so the gateway refuses these calls too.
    """
    closed = ",".join(_CLOSED_APIS)
    options: dict[str, str | int] = {
        "model-repository": MODELS,
        "model-control-mode": "none",
        "exit-on-error": "true",
        "strict-readiness": "true",
        "allow-http": "true",
        "http-port": HTTP_PORT,
        "http-thread-count": pod.http_threads,
        "http-max-input-size": max_body_bytes,
        "http-restricted-api": f"{closed}:{_KEY_HEADER}=$(POD_UID)",
        "allow-grpc": "true",
        "grpc-port": GRPC_PORT,
        "grpc-max-response-pool-size": 64,
        "grpc-restricted-protocol": f"{closed}:{_KEY_HEADER}=$(POD_UID)",
        "allow-metrics": "true",
        "metrics-port": METRICS_PORT,
        "allow-gpu-metrics": "true" if gpus else "false",
        "allow-sagemaker": "false",
        "allow-vertex-ai": "false",
        "exit-timeout-secs": pod.exit_timeout_s,
        "log-format": "ISO8601",
    }
    # Of these only the last takes no value, and Triton does not start when it is given one.
    return [*(f"--{name}={value}" for name, value in options.items()), "--disable-auto-complete-config"]


def _container(pod: TritonPod, *, image: str, gpus: int, max_body_bytes: int) -> dict[str, Any]:
    return {
        "name": "kserve-container",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["tritonserver"],
        "args": triton_flags(pod, gpus=gpus, max_body_bytes=max_body_bytes),
        "env": [
            {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
            # Small matrices get slower with threads.
            {"name": "OMP_NUM_THREADS", "value": "1"},
            {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
            {"name": "HOME", "value": "/tmp"},  # noqa: S108
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        ],
        # KServe's Service takes the first port as its port 80.
        "ports": [
            {"name": "http1", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "h2c", "containerPort": GRPC_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": _resources(pod, gpus),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "probe", "mountPath": _PROBE_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
        **_probes(pod),
        # SIGTERM makes Triton refuse connections at once: first the gateway has to look away.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(pod.pause_s)]}}},
    }


def _probes(pod: TritonPod) -> dict[str, Any]:
    """Started once it has predicted; ready by Triton's word and the model's process; alive while it predicts.

    A model that is busy is not dead: it is restarted after a minute and a half without one answer, and out of the
    rotation after 15 s.
    """
    return {
        "startupProbe": {
            **_asks("answers"),
            "periodSeconds": 5,
            "timeoutSeconds": 10,
            "failureThreshold": max(1, pod.startup_s // 5),
        },
        "readinessProbe": {**_asks("alive"), "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 3},
        "livenessProbe": {**_asks("answers"), "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 3},
    }


def _asks(question: str) -> dict[str, Any]:
    address = f"127.0.0.1:{HTTP_PORT}"
    return {"exec": {"command": ["python3", f"{_PROBE_FOLDER}/probe.py", question, address, MODELS]}}


def _resources(pod: TritonPod, gpus: int) -> dict[str, Any]:
    """No CPU limit: a release may ask for more cores, and a limit of the runtime would stay below its request."""
    gpu = {"nvidia.com/gpu": str(gpus)} if gpus else {}
    memory = {"memory": f"{pod.memory_gib}Gi"}
    return {"requests": {"cpu": str(pod.cpu), **memory, **gpu}, "limits": {**memory, **gpu}}
