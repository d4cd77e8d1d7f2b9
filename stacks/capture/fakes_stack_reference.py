"""What a deployed platform stack would tell: realistic outputs for a `StackReference`, one for each field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields

from stacks.capture.monitor import Fake, FakeRequest
from stacks.capture.values import Secret, Value
from stacks.platform_outputs import CONDUCTOR_NAMESPACE, PlatformOutputs

STACK_REFERENCE = "pulumi:pulumi:StackReference"
_ENDPOINT = "https://0123456789ABCDEF0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com"


def platform_outputs(stack: str) -> dict[str, Value]:
    """The outputs of the platform stack with this full name."""
    environment = stack.rsplit("/", 1)[-1]
    outputs: dict[str, Value] = {
        "kubeconfig": Secret(_kubeconfig(environment)),
        "serving_namespace": "models",
        "serving_service_account": "predictor",
        "artifact_root": f"s3://stillhouse-{environment}-artifacts-111122223333/models/",
        "cpu_runtime": "triton-cpu",
        "gpu_runtime": "triton-gpu",
        "gateway": "edge/endpoints",
        "gateway_principal": "cluster.local/ns/edge/sa/gateway",
        "gateway_namespace": "edge",
        "hostname": f"predict.{environment}.example.com",
        "prometheus_url": "http://prometheus.observability.svc.cluster.local:9090",
        "prometheus_principal": "cluster.local/ns/observability/sa/prometheus",
    }
    assert outputs.keys() == {field.name for field in fields(PlatformOutputs)}
    return outputs


def read_stack(request: FakeRequest) -> Mapping[str, Value]:
    """A `StackReference` is read by the full name of its stack."""
    outputs = platform_outputs(str(request.inputs["name"]))
    outputs[CONDUCTOR_NAMESPACE] = "conductor"
    secrets: list[Value] = [name for name, value in outputs.items() if isinstance(value, Secret)]
    return {"name": request.inputs["name"], "outputs": outputs, "secretOutputNames": secrets}


FAKES: Mapping[str, Fake] = {STACK_REFERENCE: read_stack}


def _kubeconfig(environment: str) -> str:
    name = f"stillhouse-{environment}"
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": _ENDPOINT}}],
            "users": [
                {"name": name, "user": {"exec": {**command, "args": ["eks", "get-token", "--cluster-name", name]}}}
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
