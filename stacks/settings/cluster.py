"""Section `cluster`: the EKS control plane and who may talk to it."""

from collections.abc import Mapping

from pydantic import Field

from stacks.settings.part import Arn, Cidr, KubernetesName, Part


class ClusterSettings(Part):
    """The EKS control plane and who may talk to it."""

    version: str | None = Field(default=None, pattern=r"^1\.[0-9]{2}$")
    """Kubernetes version, e.g. 1.35; null: the one of the tested set in `infra/versions.py`."""
    public_access_cidrs: tuple[Cidr, ...] = ()
    """Ranges that reach the API from the internet; none: only from inside the VPC."""
    admins: Mapping[KubernetesName, Arn] = Field(default_factory=dict)
    """Name -> IAM principal with all rights in the cluster, besides the one that creates it."""
    viewers: Mapping[KubernetesName, Arn] = Field(default_factory=dict)
    """Name -> IAM principal that may read everything but secrets."""
    deletion_protection: bool = False
    """Whether AWS refuses to delete the cluster, and Pulumi refuses to delete what holds data, until this is false."""
    log_retention_days: int = Field(ge=1)
    """Days for which CloudWatch keeps the five control-plane logs."""
