"""The way in for a CI workflow that applies releases: a role of one GitHub environment, with an hour's credentials.

It reads and writes Pulumi's state, and in the cluster it may change endpoints of the serving namespace, nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import eks
from pulumi_kubernetes.rbac import v1 as rbac

from infra.account import Account
from infra.gitops.rights import API_GROUP, release_rights
from infra.identity.policy_document import PolicyDocument, Statement
from infra.identity.trusted_role import GithubEnvironment, TrustedRole, TrustedRoleArgs
from infra.tags import named

GROUP = "stillhouse:releases"
"""Kubernetes group that the role's access entry puts its sessions into."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowAccessArgs:
    """Which workflow, and what it may do."""

    account: Account
    cluster_name: str
    github: GithubEnvironment
    state_policy: PolicyDocument
    """Rights on Pulumi's state and its key."""
    serving_namespace: pulumi.Input[str]
    """The namespace whose endpoints releases may change."""
    conductor_namespace: pulumi.Input[str] | None = None
    """The namespace whose conductors they may change; None: there are none."""
    tags: Mapping[str, str] = field(default_factory=dict)


class WorkflowAccess(pulumi.ComponentResource):
    """The role, its access entry, and its rights in the serving namespace."""

    role_arn: pulumi.Output[str]
    """For the variable `AWS_ROLE_ARN` of the environment."""

    def __init__(self, name: str, args: WorkflowAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:gitops:WorkflowAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = TrustedRole(
            f"{name}-role",
            TrustedRoleArgs(
                trusted=args.github,
                policy=workflow_policy(args),
                description=f"Applies releases to {args.cluster_name} from the environment {args.github.environment}",
                tags=args.tags,
            ),
            opts=child,
        )
        self.role_arn = role.arn
        entry = eks.AccessEntry(
            f"{name}-entry",
            cluster_name=args.cluster_name,
            principal_arn=role.arn,
            type="STANDARD",
            kubernetes_groups=[GROUP],
            tags=named(args.tags, f"{name}-entry"),
            opts=child,
        )
        release_rights(
            name,
            object_name="releases-workflow",
            namespace=args.serving_namespace,
            subject=rbac.SubjectArgs(kind="Group", name=GROUP, api_group=API_GROUP),
            opts=child,
            after=[entry],
            conductor_namespace=args.conductor_namespace,
        )
        self.register_outputs({"role_arn": self.role_arn})


def workflow_policy(args: WorkflowAccessArgs) -> PolicyDocument:
    """The state, and where the cluster answers."""
    cluster = args.account.arn("eks", f"cluster/{args.cluster_name}")
    find = Statement(sid="FindCluster", actions=("eks:DescribeCluster",), resources=(cluster,))
    return PolicyDocument(statements=(*args.state_policy.statements, find))
