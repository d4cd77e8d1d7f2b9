"""Rights on models: who reads one prefix of the artifact bucket, and who writes one. Nobody deletes."""

from dataclasses import dataclass

import pulumi

from infra.account import Account
from infra.identity.policy_document import Condition, PolicyDocument, Statement
from infra.text import joined


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefix:
    """A part of a bucket, and the key that its objects are encrypted with."""

    account: Account
    bucket_arn: pulumi.Input[str]
    kms_key_arn: pulumi.Input[str]
    prefix: str
    """Without slashes at its ends, e.g. `models`."""

    def __post_init__(self) -> None:
        if not self.prefix or self.prefix.strip("/") != self.prefix or set(self.prefix) & set("*?"):
            raise ValueError(f"prefix: (got {self.prefix!r}); allowed is a path without outer slashes or wildcards")

    @property
    def objects(self) -> pulumi.Input[str]:
        """ARN of everything below the prefix. The slash keeps `models` from meaning `models-old` too."""
        return joined(self.bucket_arn, f"/{self.prefix}/*")

    @property
    def through_s3(self) -> Condition:
        """The key works only inside S3's own requests."""
        service = f"s3.{self.account.region}.{self.account.dns_suffix}"
        return Condition(operator="StringEquals", key="kms:ViaService", values=(service,))


def serving_policy(place: Prefix) -> PolicyDocument:
    """Read one prefix.

    Listing has no prefix condition: KServe's storage initialiser first asks for the bucket's head, a request that names
    no prefix and that S3 checks against `s3:ListBucket`. So names of keys are visible, contents only below the prefix.
    """
    return PolicyDocument(
        statements=(
            Statement(sid="FindModels", actions=("s3:ListBucket",), resources=(place.bucket_arn,)),
            Statement(sid="ReadModels", actions=("s3:GetObject",), resources=(place.objects,)),
            Statement(
                sid="DecryptModels",
                actions=("kms:Decrypt",),
                resources=(place.kms_key_arn,),
                conditions=(place.through_s3,),
            ),
        )
    )


def publishing_policy(place: Prefix) -> PolicyDocument:
    """Write one prefix, and read it back to check its digest."""
    below = Condition(operator="StringLike", key="s3:prefix", values=(f"{place.prefix}/*",))
    write = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    return PolicyDocument(
        statements=(
            Statement(
                sid="ListBelowPrefix", actions=("s3:ListBucket",), resources=(place.bucket_arn,), conditions=(below,)
            ),
            Statement(sid="WriteModels", actions=write, resources=(place.objects,)),
            Statement(sid="ReadBack", actions=("s3:GetObject",), resources=(place.objects,)),
            Statement(
                sid="EncryptModels",
                # Uploads in parts decrypt what they have stored so far.
                actions=("kms:GenerateDataKey", "kms:Decrypt"),
                resources=(place.kms_key_arn,),
                conditions=(place.through_s3,),
            ),
        )
    )


def snowflake_policy(place: Prefix) -> PolicyDocument:
    """What a storage integration that unloads to one prefix needs; it never deletes, so `PURGE` and `REMOVE` fail."""
    below = Condition(operator="StringLike", key="s3:prefix", values=(f"{place.prefix}/*",))
    return PolicyDocument(
        statements=(
            Statement(sid="FindBucket", actions=("s3:GetBucketLocation",), resources=(place.bucket_arn,)),
            Statement(
                sid="ListBelowPrefix", actions=("s3:ListBucket",), resources=(place.bucket_arn,), conditions=(below,)
            ),
            Statement(
                sid="Unload",
                actions=("s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:AbortMultipartUpload"),
                resources=(place.objects,),
            ),
            Statement(
                sid="Encrypt",
                actions=("kms:GenerateDataKey", "kms:Decrypt"),
                resources=(place.kms_key_arn,),
                conditions=(place.through_s3,),
            ),
        )
    )
