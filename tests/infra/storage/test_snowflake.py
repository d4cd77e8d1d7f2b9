import pulumi
import pytest

from infra.storage.snowflake import (
    IntegrationNames,
    SnowflakeCaller,
    SnowflakeExport,
    SnowflakeExportArgs,
    integration_sql,
)
from tests.infra.aws import ACCOUNT, is_component_tree, run, statements

CALLER = SnowflakeCaller(principal_arn="arn:aws:iam::210987654321:user/abc-s", external_id="ACME_SFCRole=2_x")
KEY = "arn:aws:kms:us-west-2:123456789012:key/1"


def args(caller: SnowflakeCaller | None) -> SnowflakeExportArgs:
    return SnowflakeExportArgs(
        account=ACCOUNT,
        role_name="stillhouse-snowflake",
        bucket_name="acme-models",
        bucket_arn="arn:aws:s3:::acme-models",
        kms_key_arn=KEY,
        caller=caller,
    )


def test_nobody_takes_the_role_before_snowflake_is_known() -> None:
    captured = run(lambda: SnowflakeExport("s", args(None)))
    is_component_tree(captured, "stillhouse:storage:SnowflakeExport")
    rules = statements(captured.one("aws:iam/role:Role"), "assumeRolePolicy")
    assert [rule["Effect"] for rule in rules.values()] == ["Deny"]


def test_then_only_snowflakes_user_with_its_external_id_does() -> None:
    role = run(lambda: SnowflakeExport("s", args(CALLER))).one("aws:iam/role:Role")
    (rule,) = statements(role, "assumeRolePolicy").values()
    assert rule["Principal"] == {"AWS": [CALLER.principal_arn]}
    assert rule["Condition"] == {"StringEquals": {"sts:ExternalId": [CALLER.external_id]}}


def test_the_sql_names_role_prefix_and_key_in_both_phases() -> None:
    def program() -> None:
        pulumi.export("sql", SnowflakeExport("s", args(None)).sql)

    sql = run(program).outputs["sql"]
    assert isinstance(sql, str)
    assert "STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/stillhouse-snowflake'" in sql
    assert "STORAGE_ALLOWED_LOCATIONS = ('s3://acme-models/snowflake/')" in sql
    assert f"KMS_KEY_ID = '{KEY}'" in sql
    assert "GRANT USAGE ON STAGE STILLHOUSE.EXPORT.ARTIFACTS TO ROLE STILLHOUSE_EXPORTER;" in sql
    assert sql.rstrip().endswith("DESC INTEGRATION STILLHOUSE_EXPORT;")


def test_text_that_would_leave_its_quotes_is_refused() -> None:
    with pytest.raises(ValueError, match="without quotes"):
        integration_sql(role_arn="a'; DROP", bucket_name="b", prefix="p", kms_key_arn="k")
    with pytest.raises(ValueError, match="Snowflake name"):
        IntegrationNames(role="x; DROP")


@pytest.mark.parametrize(
    ("principal_arn", "external_id"),
    [("arn:aws:iam::210987654321:root", "ab"), ("*", "ab"), (CALLER.principal_arn, "*"), (CALLER.principal_arn, "")],
)
def test_wrong_callers_are_refused(principal_arn: str, external_id: str) -> None:
    with pytest.raises(ValueError, match="allowed is"):
        SnowflakeCaller(principal_arn=principal_arn, external_id=external_id)
