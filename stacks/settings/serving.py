"""Section `serving`: where models run, and what they promise."""

from pydantic import Field

from stacks.settings.part import KubernetesName, Part


class ServingSettings(Part):
    """Where models run, and what they promise."""

    namespace: KubernetesName = "models"
    """Namespace of the InferenceServices."""
    triton_image: str | None = Field(default=None, pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$")
    """Triton's image by digest, `registry/name@sha256:...`; null: the one of `infra/versions.py`."""
    latency_goal_ms: int = Field(default=100, ge=5, le=10_000)
    """Milliseconds within which 99 of 100 requests are answered; histograms have their buckets around it."""
    artifact_prefix: str = Field(default="models", pattern=r"^[a-z0-9]([-a-z0-9_/]*[a-z0-9])?$")
    """Prefix of the bucket that serving may read and publishing may write, without slashes at its ends."""
