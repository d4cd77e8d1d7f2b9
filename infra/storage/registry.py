"""The image registry: a tag never means another image again, and every image is scanned when it arrives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_aws import ecr

from infra.account import Account
from infra.storage.key import EncryptionKey, EncryptionKeyArgs
from infra.tags import named


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRegistryArgs:
    """One repository."""

    account: Account
    repository_name: str
    """E.g. `stillhouse/triton`."""
    untagged_days: int = 14
    """Days after which an image that no tag names is removed."""
    protect: bool = False
    """Whether Pulumi refuses to delete images and key; with neither this nor `retain`, images go with the stack."""
    retain: bool = False
    """Whether images and their key stay in the account when the stack lets go of them."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+([._/-][a-z0-9]+)*", self.repository_name):
            raise ValueError(f"repository_name: (got {self.repository_name!r}); allowed are a-z, 0-9 and ._-/")
        if self.untagged_days < 1:
            raise ValueError(f"untagged_days: (got {self.untagged_days}); allowed are 1 or more")


def lifecycle_policy(untagged_days: int) -> dict[str, Any]:
    """Only images without a tag expire: what a release names by tag or digest has one."""
    selection = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": untagged_days,
    }
    rule = {
        "rulePriority": 1,
        "description": f"Untagged images go after {untagged_days} days",
        "selection": selection,
        "action": {"type": "expire"},
    }
    return {"rules": [rule]}


class ImageRegistry(pulumi.ComponentResource):
    """The repository and its key."""

    repository_url: pulumi.Output[str]
    repository_arn: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ImageRegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:storage:ImageRegistry", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=args.retain)
        key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                account=args.account,
                description=f"Images of {args.repository_name}",
                protect=args.protect,
                retain=args.retain,
                tags=args.tags,
            ),
            opts=child,
        )
        repository = ecr.Repository(
            f"{name}-repository",
            name=args.repository_name,
            image_tag_mutability="IMMUTABLE",
            force_delete=not (args.protect or args.retain),
            image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key.arn)
            ],
            tags=named(args.tags, args.repository_name),
            opts=kept,
        )
        ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=pulumi.Output.json_dumps(lifecycle_policy(args.untagged_days)),
            opts=kept,
        )
        self.repository_url = repository.repository_url
        self.repository_arn = repository.arn
        self.kms_key_arn = key.arn
        self.register_outputs({"repositoryUrl": self.repository_url, "repositoryArn": self.repository_arn})
