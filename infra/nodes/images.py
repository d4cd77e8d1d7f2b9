"""The node image: one release of the EKS-optimised Amazon Linux 2023, named as managed node groups and Karpenter do."""

import re
from dataclasses import dataclass

OLDEST_KUBELET = 3
"""Minor versions that a kubelet may be behind its API server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeImage:
    """One weekly release."""

    kubernetes: str
    """Full version of the kubelet in it, e.g. `1.35.7`."""
    release_date: str
    """Eight digits."""
    source: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"1\.\d{2}\.\d+", self.kubernetes):
            raise ValueError(f"kubernetes: (got {self.kubernetes!r}); allowed is a full version such as 1.35.7")
        if not re.fullmatch(r"\d{8}", self.release_date):
            raise ValueError(f"release_date: (got {self.release_date!r}); allowed are eight digits, e.g. 20260903")

    @property
    def release_version(self) -> str:
        """As a managed node group wants it."""
        return f"{self.kubernetes}-{self.release_date}"

    def check_skew(self, cluster_version: str) -> None:
        """Refuses an image whose kubelet the cluster would not take: newer than the control plane, or too old for it.

        https://kubernetes.io/releases/version-skew-policy/
        """
        behind = int(cluster_version.split(".")[1]) - int(self.kubernetes.split(".")[1])
        if not 0 <= behind <= OLDEST_KUBELET:
            raise ValueError(
                f"node image: (got Kubernetes {self.kubernetes} for a cluster of {cluster_version});"
                f" allowed are 0 to {OLDEST_KUBELET} minor versions behind the cluster"
            )

    @property
    def alias(self) -> str:
        """As Karpenter wants it; it picks the NVIDIA variant of the same release for GPU types."""
        return f"al2023@v{self.release_date}"


SHIPPED = NodeImage(
    kubernetes="1.35.7",
    release_date="20260903",
    source="pull request 1488 of entigolabs/entigo-infralib; releases are listed at awslabs/amazon-eks-ami",
)
