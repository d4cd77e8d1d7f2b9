"""An IAM role that one Kubernetes service account may take, and nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra.identity.policy_document import PolicyDocument


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkloadRoleArgs:
    """Who takes the role and what it may do."""

    oidc_provider_arn: pulumi.Input[str]
    oidc_issuer: pulumi.Input[str]
    """Without scheme."""
    namespace: str
    service_account: str
    policy: PolicyDocument | None = None
    managed_policy_arns: Sequence[str] = ()
    """Policies that AWS maintains; a role has a document, or these, or both."""
    tags: Mapping[str, str] = field(default_factory=dict)


class WorkloadRole(pulumi.ComponentResource):
    """`arn` goes on the service account as `eks.amazonaws.com/role-arn`."""

    arn: pulumi.Output[str]
    role_name: pulumi.Output[str]
