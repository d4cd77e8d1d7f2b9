import pytest

from infra.storage.key import EncryptionKey, EncryptionKeyArgs, LogsUse, key_policy
from tests.infra.aws import ACCOUNT, is_component_tree, run, statements

ROOT = "arn:aws:iam::123456789012:root"


def test_the_key_rotates_and_has_a_name() -> None:
    captured = run(lambda: EncryptionKey("k", EncryptionKeyArgs(account=ACCOUNT, description="d")))
    is_component_tree(captured, "stillhouse:storage:EncryptionKey")
    key = captured.one("aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert captured.one("aws:kms/alias:Alias").inputs["targetKeyId"] == key.outputs["keyId"]


def test_only_the_account_gets_in_and_nobody_is_a_star() -> None:
    captured = run(lambda: EncryptionKey("k", EncryptionKeyArgs(account=ACCOUNT, description="d")))
    rules = statements(captured.one("aws:kms/key:Key"))
    assert {rule["Sid"] for rule in rules.values()} == {"AccountAdministers", "AccountUses"}
    assert all(rule["Principal"] == {"AWS": [ROOT]} for rule in rules.values())


def test_the_account_keeps_the_right_to_change_the_policy() -> None:
    administration = key_policy(ACCOUNT).body()["Statement"][0]["Action"]
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CreateGrant"} <= set(administration)


def test_logs_get_in_for_one_group() -> None:
    logs = key_policy(ACCOUNT, LogsUse(log_group_name="/aws/eks/prod/cluster")).body()["Statement"][-1]
    assert logs["Principal"] == {"Service": ["logs.us-west-2.amazonaws.com"]}
    (group,) = logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    assert group == "arn:aws:logs:us-west-2:123456789012:log-group:/aws/eks/prod/cluster"


@pytest.mark.parametrize("kept", [True, False])
def test_protection_and_retention_reach_the_key(kept: bool) -> None:
    args = EncryptionKeyArgs(account=ACCOUNT, description="d", protect=kept, retain=kept)
    key = run(lambda: EncryptionKey("k", args)).one("aws:kms/key:Key")
    assert (key.options.protect, key.options.retain_on_delete) == (kept, kept)


@pytest.mark.parametrize("days", [6, 31])
def test_wrong_windows_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="allowed are 7 to 30"):
        EncryptionKeyArgs(account=ACCOUNT, description="d", deletion_window_days=days)
