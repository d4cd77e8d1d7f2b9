"""A customer key: rotated, with a policy that names every action and lets a service in only for its own resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import kms

from infra.account import Account
from infra.identity.policy_document import Condition, PolicyDocument, PrincipalKind, Principals, Statement
from infra.tags import named

ADMINISTRATION = tuple(
    f"kms:{action}"
    for action in (
        "CreateAlias",
        "CreateGrant",
        "DeleteAlias",
        "DescribeKey",
        "DisableKey",
        "DisableKeyRotation",
        "EnableKey",
        "EnableKeyRotation",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
        "ListGrants",
        "ListKeyPolicies",
        "ListKeyRotations",
        "ListResourceTags",
        "ListRetirableGrants",
        "CancelKeyDeletion",
        "PutKeyPolicy",
        "RetireGrant",
        "RevokeGrant",
        "RotateKeyOnDemand",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateKeyDescription",
    )
)
"""Leaves the account able to manage the key, whatever becomes of the role that made it."""
USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey")
LOGS_USE = (*USE, "kms:GenerateDataKeyWithoutPlaintext")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogsUse:
    """CloudWatch Logs may use the key, for one log group."""

    log_group_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EncryptionKeyArgs:
    """One key."""

    account: Account
    description: str
    logs: LogsUse | None = None
    """None: only roles of this account, by their own policies."""
    deletion_window_days: int = 30
    """Days between a deletion and its effect; 7 to 30."""
    protect: bool = False
    retain: bool = False
    """Whether the key stays in the account when the stack lets go of it; what it encrypted is lost without it."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 7 <= self.deletion_window_days <= 30:
            raise ValueError(f"deletion_window_days: (got {self.deletion_window_days}); allowed are 7 to 30")


def key_policy(account: Account, logs: LogsUse | None = None) -> PolicyDocument:
    """The account decides by its IAM policies; CloudWatch Logs gets in for one group where asked."""
    own = Principals(kind=PrincipalKind.AWS, names=(account.root,))
    statements = [
        Statement(sid="AccountAdministers", actions=ADMINISTRATION, resources=("*",), principals=own),
        Statement(
            sid="AccountUses", actions=(*USE, "kms:GenerateDataKeyWithoutPlaintext"), resources=("*",), principals=own
        ),
    ]
    if logs:
        statements.append(_logs_statement(account, logs))
    return PolicyDocument(statements=tuple(statements))


def _logs_statement(account: Account, logs: LogsUse) -> Statement:
    group_arn = account.arn("logs", f"log-group:{logs.log_group_name}")
    service = f"logs.{account.region}.{account.dns_suffix}"
    return Statement(
        sid="LogsUse",
        actions=LOGS_USE,
        resources=("*",),
        principals=Principals(kind=PrincipalKind.SERVICE, names=(service,)),
        conditions=(Condition(operator="ArnEquals", key="kms:EncryptionContext:aws:logs:arn", values=(group_arn,)),),
    )


class EncryptionKey(pulumi.ComponentResource):
    """The key and its alias."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:storage:EncryptionKey", name, {}, opts)
        key = kms.Key(
            f"{name}-key",
            description=args.description,
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_window_days,
            policy=key_policy(args.account, args.logs).json(),
            tags=named(args.tags, name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=args.retain),
        )
        kms.Alias(
            f"{name}-alias",
            name_prefix=f"alias/stillhouse-{name}-",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
