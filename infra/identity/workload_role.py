"""An IAM role that one Kubernetes service account may take, and nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import iam

from infra.identity.cluster import ClusterIdentity
from infra.identity.policy_document import Condition, PolicyDocument, PrincipalKind, Principals, Statement
from infra.tags import named

AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkloadRoleArgs:
    """Who takes the role and what it may do."""

    cluster: ClusterIdentity
    namespace: str
    service_account: str
    policy: PolicyDocument | None = None
    managed_policy_arns: Sequence[str] = ()
    """Policies that AWS maintains; a role has a document, or these, or both."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, value in (("namespace", self.namespace), ("service_account", self.service_account)):
            if not value or set(value) & set("*?:"):
                raise ValueError(f"{what}: (got {value!r}); allowed is one name, without wildcards")
        if self.policy is None and not self.managed_policy_arns:
            raise ValueError(
                "policy: (got none, and no managed policy); allowed is a document, or managed policies, or both"
            )


def trust(provider_arn: str, issuer: str, namespace: str, service_account: str) -> PolicyDocument:
    """Only a token of this cluster, made for STS, for this one service account."""
    return PolicyDocument(
        statements=(
            Statement(
                sid="OneServiceAccount",
                actions=("sts:AssumeRoleWithWebIdentity",),
                principals=Principals(kind=PrincipalKind.FEDERATED, names=(provider_arn,)),
                conditions=(
                    Condition(
                        operator="StringEquals",
                        key=f"{issuer}:sub",
                        values=(f"system:serviceaccount:{namespace}:{service_account}",),
                    ),
                    Condition(operator="StringEquals", key=f"{issuer}:aud", values=(AUDIENCE,)),
                ),
            ),
        )
    )


def _trust_json(args: WorkloadRoleArgs) -> pulumi.Output[str]:
    """The issuer is part of the document's keys, so the document is made when the issuer is known."""
    known = pulumi.Output.all(args.cluster.oidc_provider_arn, args.cluster.oidc_issuer)
    return known.apply(lambda cluster: trust(cluster[0], cluster[1], args.namespace, args.service_account).json())


class WorkloadRole(pulumi.ComponentResource):
    """`arn` goes on the service account as `eks.amazonaws.com/role-arn`."""

    arn: pulumi.Output[str]
    role_name: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:identity:WorkloadRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role",
            assume_role_policy=_trust_json(args),
            description=f"{args.namespace}/{args.service_account} of cluster {args.cluster.cluster_name}",
            tags=named(args.tags, name),
            opts=child,
        )
        rights: list[pulumi.Resource] = []
        if args.policy:
            rights.append(iam.RolePolicy(f"{name}-policy", role=role.name, policy=args.policy.json(), opts=child))
        for policy_arn in args.managed_policy_arns:
            short = policy_arn.rpartition("/")[2]
            rights.append(
                iam.RolePolicyAttachment(f"{name}-{short}", role=role.name, policy_arn=policy_arn, opts=child)
            )
        self.role_name = role.name
        # Whoever gets the ARN may use it at once, so it comes after the rights.
        self.arn = pulumi.Output.all(role.arn, *[right.urn for right in rights]).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn, "roleName": self.role_name})
