import pytest

from infra.account import Account

ACCOUNT = Account(account_id="123456789012", region="eu-central-1")


def test_arns_name_the_region_except_in_iam() -> None:
    assert ACCOUNT.arn("eks", "cluster/prod") == "arn:aws:eks:eu-central-1:123456789012:cluster/prod"
    assert ACCOUNT.iam_arn("role/a") == "arn:aws:iam::123456789012:role/a"
    assert ACCOUNT.managed_policy("X") == "arn:aws:iam::aws:policy/X"


def test_china_has_its_own_partition_and_domain() -> None:
    china = Account(account_id="123456789012", region="cn-north-1", partition="aws-cn")
    assert china.root == "arn:aws-cn:iam::123456789012:root"
    assert china.dns_suffix == "amazonaws.com.cn"


@pytest.mark.parametrize(
    ("account_id", "region", "partition", "message"),
    [
        ("12345", "us-west-2", "aws", "twelve digits"),
        ("123456789012", "us-west-2a", "aws", "such as us-west-2"),
        ("123456789012", "us-west-2", "azure", "allowed are aws, aws-cn, aws-us-gov"),
    ],
)
def test_wrong_places_are_refused(account_id: str, region: str, partition: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Account(account_id=account_id, region=region, partition=partition)
