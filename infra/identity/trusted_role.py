"""An IAM role for somebody outside the cluster: named principals of AWS, or one environment of a repository's CI."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import iam

from infra.identity.policy_document import Condition, PolicyDocument, PrincipalKind, Principals, Statement
from infra.tags import named

GITHUB_ISSUER = "token.actions.githubusercontent.com"
LONGEST_SESSION_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedPrincipals:
    """Roles or users of AWS that may take the role."""

    arns: Sequence[str]

    def __post_init__(self) -> None:
        wrong = [arn for arn in self.arns if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:(role|user)/[^*?]+", arn)]
        if wrong or not self.arns:
            raise ValueError(f"arns: (got {list(self.arns)}); allowed are IAM roles or users, in full")

    def trust(self) -> PolicyDocument:
        """The role's trust."""
        principals = Principals(kind=PrincipalKind.AWS, names=tuple(self.arns))
        statement = Statement(sid="NamedPrincipals", actions=("sts:AssumeRole",), principals=principals)
        return PolicyDocument(statements=(statement,))


@dataclass(frozen=True, kw_only=True, slots=True)
class GithubEnvironment:
    """Workflows of one repository that run in one protected environment."""

    provider_arn: str
    """The account's OIDC provider for GitHub."""
    repository: str
    """`owner/name`."""
    environment: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            raise ValueError(f"repository: (got {self.repository!r}); allowed is owner/name")
        if not re.fullmatch(r"[\w-]+", self.environment):
            raise ValueError(f"environment: (got {self.environment!r}); allowed is one name, without wildcards")

    def trust(self) -> PolicyDocument:
        """The role's trust."""
        subject = f"repo:{self.repository}:environment:{self.environment}"
        statement = Statement(
            sid="OneEnvironment",
            actions=("sts:AssumeRoleWithWebIdentity",),
            principals=Principals(kind=PrincipalKind.FEDERATED, names=(self.provider_arn,)),
            conditions=(
                Condition(operator="StringEquals", key=f"{GITHUB_ISSUER}:sub", values=(subject,)),
                Condition(operator="StringEquals", key=f"{GITHUB_ISSUER}:aud", values=("sts.amazonaws.com",)),
            ),
        )
        return PolicyDocument(statements=(statement,))


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedRoleArgs:
    """Who takes the role and what it may do."""

    trusted: TrustedPrincipals | GithubEnvironment
    policy: PolicyDocument
    description: str
    tags: Mapping[str, str] = field(default_factory=dict)


class TrustedRole(pulumi.ComponentResource):
    """The role; its sessions last an hour at most."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: TrustedRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:identity:TrustedRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role",
            assume_role_policy=args.trusted.trust().json(),
            description=args.description,
            max_session_duration=LONGEST_SESSION_SECONDS,
            tags=named(args.tags, name),
            opts=child,
        )
        iam.RolePolicy(f"{name}-policy", role=role.name, policy=args.policy.json(), opts=child)
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})
