"""The image registry: a tag never means another image again, and every image is scanned when it arrives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from infra.account import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRegistryArgs:
    """One repository."""

    account: Account
    repository_name: str
    """E.g. `stillhouse/triton`."""
    untagged_days: int = 14
    """Days after which an image that no tag names is removed."""
    protect: bool = False
    retain: bool = False
    """Whether images stay in the account when the stack lets go of them."""
    tags: Mapping[str, str] = field(default_factory=dict)


class ImageRegistry(pulumi.ComponentResource):
    """The repository and its key."""

    repository_url: pulumi.Output[str]
    repository_arn: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str]
