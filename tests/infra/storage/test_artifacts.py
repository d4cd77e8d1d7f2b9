from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pulumi
import pytest

from infra.policies.judged import UNKNOWN
from infra.storage.artifacts import ArtifactBucket, ArtifactBucketArgs
from stacks.capture.run import Capture
from tests.infra.aws import ACCOUNT, is_component_tree, run, statements

DATA = (
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
)


def made(args: ArtifactBucketArgs, *, preview: bool = False) -> Capture:
    return run(lambda: ArtifactBucket("models", args), preview=preview)


ARGS = ArtifactBucketArgs(account=ACCOUNT, bucket_name="acme-models")


def test_all_hangs_below_the_component() -> None:
    is_component_tree(made(ARGS), "stillhouse:storage:ArtifactBucket")


def test_the_bucket_is_closed_and_keeps_versions() -> None:
    captured = made(ARGS)
    block = captured.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(block[key] is True for key in keys)
    versions = captured.one("aws:s3/bucketVersioning:BucketVersioning").inputs
    assert versions["versioningConfiguration"] == {"status": "Enabled"}
    owner = captured.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs
    assert owner["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_objects_are_encrypted_by_the_buckets_own_key() -> None:
    captured = made(ARGS)
    key = captured.one("aws:kms/key:Key").outputs["arn"]
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    by_default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}
    rule = {"applyServerSideEncryptionByDefault": by_default, "bucketKeyEnabled": True}
    assert captured.one(token).inputs["rules"] == [rule]


def test_the_policy_refuses_plain_connections_other_keys_and_deletion() -> None:
    captured = made(ARGS)
    key = captured.one("aws:kms/key:Key").outputs["arn"]
    rules = statements(captured.one("aws:s3/bucketPolicy:BucketPolicy"))
    assert all(rule["Effect"] == "Deny" and rule["Principal"] == "*" for rule in rules.values())
    assert rules["OnlyTls"]["Resource"] == ["arn:aws:s3:::acme-models", "arn:aws:s3:::acme-models/*"]
    header = "s3:x-amz-server-side-encryption"
    assert rules["OnlyKms"]["Condition"] == {"Null": {header: ["false"]}, "StringNotEquals": {header: ["aws:kms"]}}
    key_header = f"{header}-aws-kms-key-id"
    assert rules["OnlyOurKey"]["Condition"] == {
        "Null": {key_header: ["false"]},
        "StringNotEquals": {key_header: [key]},
    }
    assert rules["KeyIsNamed"]["Condition"] == {"Null": {header: ["false"], key_header: ["true"]}}
    assert rules["PromotedStays"]["Action"] == ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    assert rules["PromotedStays"]["Resource"] == ["arn:aws:s3:::acme-models/models/*"]


def test_the_policy_comes_after_the_block_of_public_access() -> None:
    captured = made(ARGS)
    block = captured.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert block.urn in captured.one("aws:s3/bucketPolicy:BucketPolicy").depends_on


def test_old_versions_go_only_where_it_is_asked_for() -> None:
    args = replace(ARGS, expiring_prefixes=("snowflake", "raw/old"))
    rules = made(args).one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert isinstance(rules, list)
    by_id = {rule["id"]: rule for rule in rules if isinstance(rule, Mapping)}
    assert set(by_id) == {"abandoned-uploads", "old-versions-snowflake", "old-versions-raw/old"}
    assert "noncurrentVersionExpiration" not in by_id["abandoned-uploads"]
    assert by_id["old-versions-snowflake"]["filter"] == {"prefix": "snowflake/"}
    assert by_id["old-versions-snowflake"]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


@pytest.mark.parametrize("kept", [True, False])
def test_protection_and_retention_reach_all_that_holds_data(kept: bool) -> None:
    captured = made(ArtifactBucketArgs(account=ACCOUNT, protect=kept, retain=kept))
    for token in DATA:
        options = captured.one(token).options
        assert (options.protect, options.retain_on_delete) == (kept, kept), token


@pytest.mark.parametrize(
    ("protect", "retain", "emptied"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_a_deleted_bucket_is_emptied_only_where_nothing_is_kept(protect: bool, retain: bool, emptied: bool) -> None:
    captured = made(ArtifactBucketArgs(account=ACCOUNT, protect=protect, retain=retain))
    assert captured.one("aws:s3/bucket:Bucket").inputs["forceDestroy"] is emptied


def test_a_bucket_without_a_name_gets_one_and_its_policy_waits_for_it() -> None:
    unnamed = ArtifactBucketArgs(account=ACCOUNT)
    update, preview = made(unnamed), made(unnamed, preview=True)
    assert Counter(r.urn for r in update.resources) == Counter(r.urn for r in preview.resources)
    assert preview.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"] is UNKNOWN


def test_outputs_name_bucket_and_key() -> None:
    def program() -> None:
        bucket = ArtifactBucket("models", ARGS)
        pulumi.export("arn", bucket.bucket_arn)
        pulumi.export("name", bucket.bucket_name)

    assert run(program).outputs == {"arn": "arn:aws:s3:::acme-models", "name": "acme-models"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"noncurrent_days": 0}, "allowed are 1 or more"),
        ({"promoted_prefixes": ("models/",)}, "without outer slashes"),
        ({"promoted_prefixes": ("a",), "expiring_prefixes": ("a",)}, "got a as expiring and a as promoted"),
        ({"promoted_prefixes": ("a/b",), "expiring_prefixes": ("a",)}, "neither lies in the other"),
        ({"promoted_prefixes": ("a",), "expiring_prefixes": ("a/b",)}, "neither lies in the other"),
        ({"expiring_prefixes": ("a", "a")}, "allowed is each once"),
    ],
)
def test_wrong_buckets_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArtifactBucketArgs(account=ACCOUNT, **wrong)  # type: ignore[arg-type]
