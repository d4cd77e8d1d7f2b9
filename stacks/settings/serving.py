"""Section `serving`: where models run, and what they promise."""

from typing import Annotated

from pydantic import AfterValidator, Field

from stacks.settings.part import ImageByDigest, KubernetesName, Part

RESERVED = (
    "cert-manager",
    "conductor",
    "default",
    "external-dns",
    "gitops",
    "karpenter",
    "keda",
    "kserve",
    "monitoring",
    "node-exporter",
    "publishing",
)
"""Namespaces of the platform's other parts and of Kubernetes, where models would meet rights that are not theirs."""
RESERVED_BEGINNINGS = ("kube-", "istio-")


def _is_for_models(namespace: str) -> str:
    if namespace in RESERVED or namespace.startswith(RESERVED_BEGINNINGS):
        reserved = ", ".join([*RESERVED, *(f"{beginning}*" for beginning in RESERVED_BEGINNINGS)])
        raise ValueError(f"belongs to another part (got {namespace}); allowed: any name but {reserved}")
    return namespace


class ServingSettings(Part):
    """Where models run, and what they promise."""

    namespace: Annotated[KubernetesName, AfterValidator(_is_for_models)] = "models"
    """Namespace of the InferenceServices."""
    triton_image: ImageByDigest | None = None
    """Triton's image by digest, `registry/name@sha256:...`; null: the one of `infra/versions.py`."""
    latency_goal_ms: int = Field(default=100, ge=5, le=10_000)
    """Milliseconds within which 99 of 100 requests are answered; histograms have their buckets around it."""
    artifact_prefix: str = Field(default="models", pattern=r"^[a-z0-9]([-a-z0-9_/]*[a-z0-9])?$")
    """Prefix of the bucket that serving may read and publishing may write, without slashes at its ends."""
