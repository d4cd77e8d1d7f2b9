"""Snowflake's way into the bucket: the role it takes, and the SQL to run on the other side.

The integration and the role each want to know the other first. So it goes in two phases: nobody can take the role until
Snowflake has told which user and external id it will come with; then only that user, with that id, can.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import iam

from infra.account import Account
from infra.identity.model_documents import Prefix, snowflake_policy
from infra.identity.policy_document import (
    EVERYONE,
    Condition,
    Effect,
    PolicyDocument,
    PrincipalKind,
    Principals,
    Statement,
)
from infra.tags import named

IDENTIFIER = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class SnowflakeCaller:
    """Who Snowflake says it is: two lines of `DESC INTEGRATION`."""

    principal_arn: str
    """`STORAGE_AWS_IAM_USER_ARN`."""
    external_id: str
    """`STORAGE_AWS_EXTERNAL_ID`."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:user/[^*?]+", self.principal_arn):
            raise ValueError(f"principal_arn: (got {self.principal_arn!r}); allowed is Snowflake's IAM user, in full")
        if len(self.external_id) < 2 or set(self.external_id) & set("*?"):
            raise ValueError(f"external_id: (got {self.external_id!r}); allowed is the id that Snowflake shows")


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegrationNames:
    """Names of the objects on Snowflake's side; capital letters, digits and underscores."""

    integration: str = "STILLHOUSE_EXPORT"
    database: str = "STILLHOUSE"
    schema: str = "EXPORT"
    stage: str = "ARTIFACTS"
    role: str = "STILLHOUSE_EXPORTER"
    """Snowflake's role that may write to the stage; it must be there."""

    def __post_init__(self) -> None:
        for name in (self.integration, self.database, self.schema, self.stage, self.role):
            if not IDENTIFIER.fullmatch(name):
                raise ValueError(f"Snowflake name: (got {name!r}); allowed are capital letters, digits and underscores")


@dataclass(frozen=True, kw_only=True, slots=True)
class SnowflakeExportArgs:
    """The prefix that Snowflake may write."""

    account: Account
    role_name: str
    """Fixed, because Snowflake is told the role's ARN."""
    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    kms_key_arn: pulumi.Input[str]
    prefix: str = "snowflake"
    """Without slashes at its ends."""
    names: IntegrationNames = field(default_factory=IntegrationNames)
    caller: SnowflakeCaller | None = None
    """None: the first phase, in which nobody can take the role."""
    tags: Mapping[str, str] = field(default_factory=dict)


def trust(account: Account, caller: SnowflakeCaller | None) -> PolicyDocument:
    """Only Snowflake's user with its external id; a role must have a trust before they are known, so it denies."""
    if caller is None:
        nobody = Statement(
            sid="NobodyYet",
            effect=Effect.DENY,
            actions=("sts:AssumeRole",),
            principals=EVERYONE,
        )
        return PolicyDocument(statements=(nobody,))
    external = Condition(operator="StringEquals", key="sts:ExternalId", values=(caller.external_id,))
    statement = Statement(
        sid="SnowflakeOnly",
        actions=("sts:AssumeRole",),
        principals=Principals(kind=PrincipalKind.AWS, names=(caller.principal_arn,)),
        conditions=(external,),
    )
    return PolicyDocument(statements=(statement,))


def integration_sql(
    *, role_arn: str, bucket_name: str, prefix: str, kms_key_arn: str, names: IntegrationNames | None = None
) -> str:
    """What an ACCOUNTADMIN runs in Snowflake; the last line shows what the second phase needs."""
    names = names or IntegrationNames()
    location = f"s3://{bucket_name}/{prefix}/"
    stage = f"{names.database}.{names.schema}.{names.stage}"
    for value in (role_arn, location, kms_key_arn):
        if "'" in value or "\n" in value:
            raise ValueError(f"SQL literal: (got {value!r}); allowed is text without quotes and line breaks")
    return f"""\
USE ROLE ACCOUNTADMIN;

CREATE STORAGE INTEGRATION IF NOT EXISTS {names.integration}
  TYPE = EXTERNAL_STAGE
  STORAGE_PROVIDER = 'S3'
  ENABLED = TRUE
  STORAGE_AWS_ROLE_ARN = '{role_arn}'
  STORAGE_ALLOWED_LOCATIONS = ('{location}');

CREATE DATABASE IF NOT EXISTS {names.database};
CREATE SCHEMA IF NOT EXISTS {names.database}.{names.schema};
CREATE STAGE IF NOT EXISTS {stage}
  URL = '{location}'
  STORAGE_INTEGRATION = {names.integration}
  ENCRYPTION = (TYPE = 'AWS_SSE_KMS' KMS_KEY_ID = '{kms_key_arn}');

GRANT USAGE ON INTEGRATION {names.integration} TO ROLE {names.role};
GRANT USAGE ON DATABASE {names.database} TO ROLE {names.role};
GRANT USAGE ON SCHEMA {names.database}.{names.schema} TO ROLE {names.role};
GRANT USAGE ON STAGE {stage} TO ROLE {names.role};

-- STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID go into the stack's settings; the next update lets Snowflake in.
DESC INTEGRATION {names.integration};
"""


class SnowflakeExport(pulumi.ComponentResource):
    """The role; `sql` is what an ACCOUNTADMIN runs in Snowflake."""

    role_arn: pulumi.Output[str]
    sql: pulumi.Output[str]

    def __init__(self, name: str, args: SnowflakeExportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:storage:SnowflakeExport", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role",
            name=args.role_name,
            assume_role_policy=trust(args.account, args.caller).json(),
            description=f"Snowflake unloads to the prefix {args.prefix}",
            tags=named(args.tags, args.role_name),
            opts=child,
        )
        place = Prefix(
            account=args.account, bucket_arn=args.bucket_arn, kms_key_arn=args.kms_key_arn, prefix=args.prefix
        )
        iam.RolePolicy(f"{name}-policy", role=role.name, policy=snowflake_policy(place).json(), opts=child)
        self.role_arn = role.arn
        self.sql = pulumi.Output.all(role.arn, args.bucket_name, args.kms_key_arn).apply(
            lambda known: integration_sql(
                role_arn=known[0], bucket_name=known[1], prefix=args.prefix, kms_key_arn=known[2], names=args.names
            )
        )
        self.register_outputs({"roleArn": self.role_arn, "sql": self.sql})
