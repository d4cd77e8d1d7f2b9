"""What a workload role's trust needs to know of a cluster."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterIdentity:
    """A cluster as IAM sees it."""

    cluster_name: str
    oidc_provider_arn: pulumi.Input[str]
    oidc_issuer: pulumi.Input[str]
    """Without scheme."""
