"""Snowflake's way into the bucket: the role it takes, and the SQL to run on the other side.

The integration and the role each want to know the other first. So it goes in two phases: nobody can take the role until
Snowflake has told which user and external id it will come with; then only that user, with that id, can.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from infra.account import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class SnowflakeCaller:
    """Who Snowflake says it is: two lines of `DESC INTEGRATION`."""

    principal_arn: str
    """`STORAGE_AWS_IAM_USER_ARN`."""
    external_id: str
    """`STORAGE_AWS_EXTERNAL_ID`."""


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
    caller: SnowflakeCaller | None = None
    """None: the first phase, in which nobody can take the role."""
    tags: Mapping[str, str] = field(default_factory=dict)


class SnowflakeExport(pulumi.ComponentResource):
    """The role; `sql` is what an ACCOUNTADMIN runs in Snowflake."""

    role_arn: pulumi.Output[str]
    sql: pulumi.Output[str]
