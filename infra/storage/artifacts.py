"""The bucket where models lie: encrypted by a key of its own, versioned, TLS only, never public."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra.account import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactBucketArgs:
    """The bucket and how long it keeps what was replaced."""

    account: Account
    bucket_name: str | None = None
    """Unique in the world; None: Pulumi adds random letters to the component's name."""
    promoted_prefixes: Sequence[str] = ("models",)
    """Prefixes under which nobody deletes a version, so that a rollback always finds its model."""
    noncurrent_days: int = 30
    """Days for which an overwritten or deleted object outside the promoted prefixes can be brought back."""
    access_log_bucket: pulumi.Input[str] | None = None
    """Bucket for S3's access logs; None: none are written."""
    protect: bool = False
    """Whether Pulumi refuses to delete the bucket and its key."""
    retain: bool = False
    """Whether they stay in the account when the stack lets go of them."""
    tags: Mapping[str, str] = field(default_factory=dict)


class ArtifactBucket(pulumi.ComponentResource):
    """The bucket and its key."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str]
