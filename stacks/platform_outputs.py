"""What a platform stack tells its releases stack: one type that the platform exports and the releases read."""

from dataclasses import dataclass, fields

import pulumi

_SECRET = frozenset({"kubeconfig"})
CONDUCTOR_NAMESPACE = "conductor_namespace"
"""Output of a platform that has a place for conductors, and of no other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformOutputs:
    """The platform as the releases need it; a field's name is the name of the stack's output."""

    kubeconfig: pulumi.Output[str]
    """JSON of a kubeconfig that asks AWS for a token; a secret."""
    serving_namespace: pulumi.Output[str]
    """Namespace of the InferenceServices."""
    serving_service_account: pulumi.Output[str]
    """Service account that may read the artifacts."""
    artifact_root: pulumi.Output[str]
    """`s3://bucket/prefix/`, with the slash at its end: relative addresses in release files start here."""
    cpu_runtime: pulumi.Output[str]
    """ServingRuntime of Triton without an accelerator."""
    gpu_runtime: pulumi.Output[str]
    """ServingRuntime of Triton that asks for one GPU and tolerates the GPU nodes' taint."""
    gateway: pulumi.Output[str]
    """`namespace/name` of the Istio Gateway."""
    gateway_principal: pulumi.Output[str]
    """Identity of the gateway's pods, `cluster.local/ns/<namespace>/sa/<account>`: the only caller of a predictor."""
    gateway_namespace: pulumi.Output[str]
    """Namespace of the gateway's pods, as their metrics name it."""
    hostname: pulumi.Output[str]
    """The one host of all endpoints."""
    prometheus_url: pulumi.Output[str]
    """Address inside the cluster, e.g. `http://prometheus.observability.svc:9090`."""
    prometheus_principal: pulumi.Output[str]
    """Identity of Prometheus' service account, in the mesh or not; Istio refuses an empty one."""


def export_platform(outputs: PlatformOutputs) -> None:
    """Make every field an output of this stack."""
    for field in fields(outputs):
        value = getattr(outputs, field.name)
        pulumi.export(field.name, pulumi.Output.secret(value) if field.name in _SECRET else value)


def read_platform(reference: pulumi.StackReference) -> PlatformOutputs:
    """The other stack's outputs; one that it lacks fails the update and is named."""
    found = {field.name: reference.require_output(field.name) for field in fields(PlatformOutputs)}
    return PlatformOutputs(**found)
