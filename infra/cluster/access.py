"""Who may enter the cluster: an IAM principal and one of the access policies that EKS keeps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pulumi_aws.eks import AccessPolicyAssociationAccessScopeArgs
from pulumi_eks import AccessEntryArgs, AccessPolicyAssociationArgs


class AccessLevel(Enum):
    """What a principal may do; the value ends the name of EKS's access policy."""

    CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"
    ADMIN = "AmazonEKSAdminPolicy"
    EDIT = "AmazonEKSEditPolicy"
    VIEW = "AmazonEKSViewPolicy"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessEntry:
    """One principal's way in."""

    name: str
    """Names the entry in Pulumi."""
    principal_arn: str
    """IAM role or user; never the one that creates the cluster, which EKS lets in by itself."""
    level: AccessLevel
    namespaces: Sequence[str] = ()
    """Where the level holds; none: everywhere."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:(role|user)/.+", self.principal_arn):
            raise ValueError(f"{self.name}: principal_arn (got {self.principal_arn!r}); allowed is an IAM role or user")
        if self.level is AccessLevel.CLUSTER_ADMIN and self.namespaces:
            raise ValueError(f"{self.name}: namespaces (got {list(self.namespaces)}); allowed for this level is none")

    def args(self, partition: str = "aws") -> AccessEntryArgs:
        """As the cluster takes it."""
        scope = AccessPolicyAssociationAccessScopeArgs(
            type="namespace" if self.namespaces else "cluster", namespaces=list(self.namespaces) or None
        )
        policy_arn = f"arn:{partition}:eks::aws:cluster-access-policy/{self.level.value}"
        return AccessEntryArgs(
            principal_arn=self.principal_arn,
            access_policies={self.name: AccessPolicyAssociationArgs(policy_arn=policy_arn, access_scope=scope)},
        )
