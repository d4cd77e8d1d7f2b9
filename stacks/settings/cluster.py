"""Section `cluster`: the EKS control plane and who may talk to it."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra import versions
from infra.cluster.releases import release_of
from infra.network.cidr import check_callers
from stacks.settings.part import Cidr, KubernetesName, Part, PrincipalArn


def _from_internet(cidr: str) -> str:
    check_callers(cidr, from_internet=True)
    return cidr


def _from_inside(cidr: str) -> str:
    check_callers(cidr, from_internet=False)
    return cidr


def _has_a_release(version: str) -> str:
    release_of(version)
    return version


class ClusterSettings(Part):
    """The EKS control plane and who may talk to it."""

    version: Annotated[str, AfterValidator(_has_a_release)] | None = None
    """Kubernetes version, one with a row in `infra/cluster/releases.py`; null: the one of `infra/versions.py`."""
    public_access_cidrs: tuple[Annotated[Cidr, AfterValidator(_from_internet)], ...] = ()
    """Ranges that reach the API's public endpoint, e.g. an office's or a VPN's; none: there is no public endpoint."""
    private_access_cidrs: tuple[Annotated[Cidr, AfterValidator(_from_inside)], ...] = ()
    """Ranges of the VPC or of networks connected to it that reach the API's private endpoint; the nodes always do."""
    admins: Mapping[KubernetesName, PrincipalArn] = Field(default_factory=dict)
    """Name -> IAM principal with all rights in the cluster, besides the one that creates it."""
    viewers: Mapping[KubernetesName, PrincipalArn] = Field(default_factory=dict)
    """Name -> IAM principal that may read Kubernetes' own namespaced objects, but no secrets (AmazonEKSViewPolicy)."""
    deletion_protection: bool = False
    """Whether AWS refuses to delete the cluster, and Pulumi refuses to delete what holds data, until this is false."""
    log_retention_days: int = Field(ge=1)
    """Days for which CloudWatch keeps the five control-plane logs."""

    @model_validator(mode="after")
    def _each_has_one_entry(self) -> Self:
        """EKS keeps one entry for a principal, and each needs a name of its own."""
        both = sorted(self.admins.keys() & self.viewers.keys())
        if both:
            raise ValueError(
                f"viewers: names that stand in admins too (got {', '.join(both)}); allowed: each name once"
            )
        arns = [*self.admins.values(), *self.viewers.values()]
        twice = sorted({arn for arn in arns if arns.count(arn) > 1})
        if twice:
            raise ValueError(
                f"admins and viewers: principals that stand twice (got {', '.join(twice)}); allowed: each once"
            )
        return self

    @property
    def kubernetes_version(self) -> str:
        """The version that is asked for."""
        return self.version or versions.KUBERNETES

    @model_validator(mode="after")
    def _somebody_reaches_the_api(self) -> Self:
        if not self.public_access_cidrs and not self.private_access_cidrs:
            raise ValueError(
                "nobody but the nodes reaches the API, not even this program"
                " (got neither public_access_cidrs nor private_access_cidrs); allowed is a range in one of them"
            )
        return self
