import pytest

from infra.identity.model_documents import Prefix, publishing_policy, serving_policy, snowflake_policy
from infra.identity.policy_document import PolicyDocument
from tests.infra.aws import ACCOUNT

BUCKET = "arn:aws:s3:::models"
KEY = "arn:aws:kms:us-west-2:123456789012:key/1"
PLACE = Prefix(account=ACCOUNT, bucket_arn=BUCKET, kms_key_arn=KEY, prefix="models")
DOCUMENTS = [serving_policy(PLACE), publishing_policy(PLACE), snowflake_policy(PLACE)]


def by_action(policy: PolicyDocument) -> dict[str, dict[str, object]]:
    return {action: statement for statement in policy.body()["Statement"] for action in statement["Action"]}


def test_serving_reads_one_prefix_and_can_ask_for_the_buckets_head() -> None:
    rights = by_action(serving_policy(PLACE))
    assert set(rights) == {"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}
    assert rights["s3:GetObject"]["Resource"] == [f"{BUCKET}/models/*"]
    assert rights["s3:ListBucket"]["Resource"] == [BUCKET]
    assert "Condition" not in rights["s3:ListBucket"]


def test_publishing_writes_one_prefix() -> None:
    rights = by_action(publishing_policy(PLACE))
    assert rights["s3:PutObject"]["Resource"] == [f"{BUCKET}/models/*"]
    assert rights["s3:ListBucket"]["Condition"] == {"StringLike": {"s3:prefix": ["models/*"]}}
    assert "kms:GenerateDataKey" in rights


@pytest.mark.parametrize("policy", DOCUMENTS)
def test_nobody_deletes(policy: PolicyDocument) -> None:
    assert not [action for action in by_action(policy) if "Delete" in action or action.startswith("s3:PutBucket")]


@pytest.mark.parametrize("policy", DOCUMENTS)
def test_objects_lie_below_the_prefix_and_the_key_works_only_through_s3(policy: PolicyDocument) -> None:
    for action, statement in by_action(policy).items():
        if action.startswith("kms:"):
            assert statement["Resource"] == [KEY]
            assert statement["Condition"] == {"StringEquals": {"kms:ViaService": ["s3.us-west-2.amazonaws.com"]}}
        else:
            assert statement["Resource"] in ([BUCKET], [f"{BUCKET}/models/*"])


@pytest.mark.parametrize("prefix", ["", "/models", "models/", "mod*", "m?"])
def test_wrong_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="without outer slashes"):
        Prefix(account=ACCOUNT, bucket_arn=BUCKET, kms_key_arn=KEY, prefix=prefix)
