import pytest

from infra.storage.registry import ImageRegistry, ImageRegistryArgs
from tests.infra.aws import ACCOUNT, document, is_component_tree, run

REPOSITORY = "aws:ecr/repository:Repository"


def test_tags_never_move_and_images_are_scanned() -> None:
    captured = run(lambda: ImageRegistry("images", ImageRegistryArgs(account=ACCOUNT, repository_name="a/triton")))
    is_component_tree(captured, "stillhouse:storage:ImageRegistry")
    inputs = captured.one(REPOSITORY).inputs
    assert inputs["imageTagMutability"] == "IMMUTABLE"
    assert inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    key = captured.one("aws:kms/key:Key").outputs["arn"]
    assert inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": key}]


def test_only_untagged_images_expire() -> None:
    args = ImageRegistryArgs(account=ACCOUNT, repository_name="triton", untagged_days=3)
    (rule,) = document(run(lambda: ImageRegistry("i", args)).one("aws:ecr/lifecyclePolicy:LifecyclePolicy"))["rules"]
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 3,
    }


@pytest.mark.parametrize("kept", [True, False])
def test_protection_and_retention_reach_images_and_key(kept: bool) -> None:
    args = ImageRegistryArgs(account=ACCOUNT, repository_name="triton", protect=kept, retain=kept)
    captured = run(lambda: ImageRegistry("i", args))
    for token in (REPOSITORY, "aws:kms/key:Key"):
        options = captured.one(token).options
        assert (options.protect, options.retain_on_delete) == (kept, kept)
    assert captured.one(REPOSITORY).inputs["forceDelete"] is not kept


@pytest.mark.parametrize(("name", "days"), [("Triton", 1), ("triton/", 1), ("triton", 0)])
def test_wrong_registries_are_refused(name: str, days: int) -> None:
    with pytest.raises(ValueError, match="allowed are"):
        ImageRegistryArgs(account=ACCOUNT, repository_name=name, untagged_days=days)
