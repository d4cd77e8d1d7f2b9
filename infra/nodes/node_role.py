"""The role of a node's own agents: join the cluster, pull images, nothing for pods."""

from collections.abc import Mapping

import pulumi
from pulumi_aws import iam

from infra.account import Account
from infra.identity.policy_document import PolicyDocument, PrincipalKind, Principals, Statement
from infra.tags import named

POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""Not the CNI's policy: its pods have a role of their own."""


def trust(account: Account) -> PolicyDocument:
    """EC2 takes the role for an instance."""
    principals = Principals(kind=PrincipalKind.SERVICE, names=(f"ec2.{account.dns_suffix}",))
    statement = Statement(sid="Instances", actions=("sts:AssumeRole",), principals=principals)
    return PolicyDocument(statements=(statement,))


class NodeRole(pulumi.ComponentResource):
    """The role, with its policies attached before anyone gets its ARN."""

    arn: pulumi.Output[str]
    role_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: Account,
        *,
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("stillhouse:nodes:NodeRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role",
            assume_role_policy=trust(account).json(),
            description="EKS nodes join the cluster and pull images",
            tags=named(tags, name),
            opts=child,
        )
        attachments = [
            iam.RolePolicyAttachment(
                f"{name}-{policy}", role=role.name, policy_arn=account.managed_policy(policy), opts=child
            )
            for policy in POLICIES
        ]
        attached = [attachment.urn for attachment in attachments]
        self.arn = pulumi.Output.all(role.arn, *attached).apply(lambda known: str(known[0]))
        self.role_name = pulumi.Output.all(role.name, *attached).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn, "roleName": self.role_name})
