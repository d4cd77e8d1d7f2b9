"""Records of every connection in a VPC, kept in CloudWatch for a number of days."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import cloudwatch, ec2, iam

from infra.account import Account
from infra.identity.policy_document import Condition, PolicyDocument, PrincipalKind, Principals, Statement
from infra.storage.key import EncryptionKey, EncryptionKeyArgs, LogsUse
from infra.tags import named
from infra.text import joined


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowLogsArgs:
    """Which VPC, and for how long."""

    account: Account
    vpc_id: pulumi.Input[str]
    log_group_name: str
    retention_days: int
    tags: Mapping[str, str] = field(default_factory=dict)


def trust(account: Account) -> PolicyDocument:
    """The flow-log service of our own account takes the role, for our own flow logs."""
    statement = Statement(
        sid="FlowLogs",
        actions=("sts:AssumeRole",),
        principals=Principals(kind=PrincipalKind.SERVICE, names=("vpc-flow-logs.amazonaws.com",)),
        conditions=(
            Condition(operator="StringEquals", key="aws:SourceAccount", values=(account.account_id,)),
            Condition(operator="ArnLike", key="aws:SourceArn", values=(account.arn("ec2", "vpc-flow-log/*"),)),
        ),
    )
    return PolicyDocument(statements=(statement,))


def delivery(log_group_arn: pulumi.Input[str]) -> PolicyDocument:
    """Writing to one log group."""
    statement = Statement(
        sid="DeliverRecords",
        actions=("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
        resources=(log_group_arn, joined(log_group_arn, ":*")),
    )
    return PolicyDocument(statements=(statement,))


class FlowLogs(pulumi.ComponentResource):
    """The log group, its key, and the role that the service writes with."""

    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:network:FlowLogs", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                account=args.account,
                description=f"Flow logs of {name}",
                logs=LogsUse(log_group_name=args.log_group_name),
                tags=args.tags,
            ),
            opts=child,
        )
        group = cloudwatch.LogGroup(
            f"{name}-group",
            name=args.log_group_name,
            retention_in_days=args.retention_days,
            kms_key_id=key.arn,
            tags=named(args.tags, args.log_group_name),
            opts=child,
        )
        role = iam.Role(
            f"{name}-role",
            assume_role_policy=trust(args.account).json(),
            description="VPC flow logs write their records",
            tags=named(args.tags, f"{name}-role"),
            opts=child,
        )
        policy = iam.RolePolicy(f"{name}-policy", role=role.name, policy=delivery(group.arn).json(), opts=child)
        ec2.FlowLog(
            f"{name}-log",
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=named(args.tags, name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.log_group_name = group.name
        self.register_outputs({"logGroupName": self.log_group_name})
