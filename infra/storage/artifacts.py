"""The bucket where models lie: encrypted by a key of its own, versioned, TLS only, never public."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import s3

from infra.account import Account
from infra.identity.policy_document import EVERYONE, Condition, Effect, PolicyDocument, Statement
from infra.storage.key import EncryptionKey, EncryptionKeyArgs
from infra.storage.prefixes import overlap
from infra.tags import named
from infra.text import joined

ABANDONED_UPLOAD_DAYS = 7
PUT = ("s3:PutObject",)
ENCRYPTION = "s3:x-amz-server-side-encryption"
KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactBucketArgs:
    """The bucket and how long it keeps what was replaced."""

    account: Account
    bucket_name: str | None = None
    """Unique in the world; None: Pulumi adds random letters to the component's name."""
    promoted_prefixes: Sequence[str] = ("models",)
    """Prefixes under which nobody deletes a version, so that a rollback always finds its model."""
    expiring_prefixes: Sequence[str] = ()
    """Prefixes whose overwritten or deleted objects go after `noncurrent_days`.

    They are named one by one because S3 knows no rule for all but the promoted ones, and where two rules meet the
    shorter one holds. Elsewhere old versions stay until somebody deletes them.
    """
    noncurrent_days: int = 30
    protect: bool = False
    """Whether Pulumi refuses to delete bucket and key; with neither this nor `retain`, models go with the stack."""
    retain: bool = False
    """Whether they stay in the account when the stack lets go of them."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.noncurrent_days < 1:
            raise ValueError(f"noncurrent_days: (got {self.noncurrent_days}); allowed are 1 or more")
        for prefix in (*self.promoted_prefixes, *self.expiring_prefixes):
            if not prefix or prefix.strip("/") != prefix or set(prefix) & set("*?"):
                raise ValueError(f"prefix: (got {prefix!r}); allowed is a path without outer slashes or wildcards")
        for prefix in self.expiring_prefixes:
            meeting = [other for other in self.promoted_prefixes if overlap(prefix, other)]
            if meeting:
                raise ValueError(
                    f"prefix: (got {prefix} as expiring and {meeting[0]} as promoted); allowed are prefixes of which"
                    " neither lies in the other"
                )
        if len(set(self.expiring_prefixes)) != len(self.expiring_prefixes):
            raise ValueError(f"expiring_prefixes: (got {list(self.expiring_prefixes)}); allowed is each once")


def bucket_policy(
    bucket_arn: pulumi.Input[str], kms_key_arn: pulumi.Input[str], promoted_prefixes: Sequence[str]
) -> PolicyDocument:
    """What nobody may do, whatever their role says."""
    objects = joined(bucket_arn, "/*")
    no_tls = Condition(operator="Bool", key="aws:SecureTransport", values=("false",))
    statements = [
        _deny("OnlyTls", ("s3:*",), (bucket_arn, objects), no_tls),
        # A put that names no encryption gets the bucket's own; one that names any must name KMS and our key.
        _deny("OnlyKms", PUT, (objects,), _is_named(ENCRYPTION), _differs(ENCRYPTION, "aws:kms")),
        _deny("OnlyOurKey", PUT, (objects,), _is_named(KEY), _differs(KEY, kms_key_arn)),
        _deny("KeyIsNamed", PUT, (objects,), _is_named(ENCRYPTION), _is_missing(KEY)),
    ]
    if promoted_prefixes:
        promoted = tuple(joined(bucket_arn, f"/{prefix}/*") for prefix in promoted_prefixes)
        statements.append(_deny("PromotedStays", ("s3:DeleteObject", "s3:DeleteObjectVersion"), promoted))
    return PolicyDocument(statements=tuple(statements))


def _is_named(key: str) -> Condition:
    return Condition(operator="Null", key=key, values=("false",))


def _is_missing(key: str) -> Condition:
    return Condition(operator="Null", key=key, values=("true",))


def _differs(key: str, value: pulumi.Input[str]) -> Condition:
    return Condition(operator="StringNotEquals", key=key, values=(value,))


def _deny(
    sid: str, actions: Sequence[str], resources: Sequence[pulumi.Input[str]], *conditions: Condition
) -> Statement:
    return Statement(
        sid=sid,
        effect=Effect.DENY,
        actions=actions,
        resources=resources,
        principals=EVERYONE,
        conditions=conditions,
    )


def lifecycle_rules(args: ArtifactBucketArgs) -> list[s3.BucketLifecycleConfigurationRuleArgs]:
    """Parts of uploads that nobody finished go everywhere; old versions go where they may."""
    abandoned = s3.BucketLifecycleConfigurationRuleArgs(
        id="abandoned-uploads",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=ABANDONED_UPLOAD_DAYS
        ),
    )
    return [abandoned, *(_expiring(prefix, args.noncurrent_days) for prefix in args.expiring_prefixes)]


def _expiring(prefix: str, days: int) -> s3.BucketLifecycleConfigurationRuleArgs:
    return s3.BucketLifecycleConfigurationRuleArgs(
        id=f"old-versions-{prefix}",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{prefix}/"),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=days
        ),
        expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
    )


class ArtifactBucket(pulumi.ComponentResource):
    """The bucket and its key."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ArtifactBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:storage:ArtifactBucket", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=args.protect, retain_on_delete=args.retain)
        key = EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                account=args.account,
                description=f"Models in {name}",
                protect=args.protect,
                retain=args.retain,
                tags=args.tags,
            ),
            opts=self._child,
        )
        bucket = s3.Bucket(
            f"{name}-bucket",
            bucket=args.bucket_name,
            force_destroy=not (args.protect or args.retain),
            tags=named(args.tags, name),
            opts=self._kept,
        )
        self._close(bucket)
        self._encrypt(bucket, key)
        self._keep_versions(bucket)
        self.bucket_name = bucket.bucket
        self.bucket_arn = bucket.arn
        self.kms_key_arn = key.arn
        self.register_outputs(
            {"bucketName": self.bucket_name, "bucketArn": self.bucket_arn, "kmsKeyArn": self.kms_key_arn}
        )

    def _close(self, bucket: s3.Bucket) -> None:
        """No public access, no owner but the account, and then the policy, which a public-access block must precede."""
        block = s3.BucketPublicAccessBlock(
            f"{self._name}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept,
        )
        s3.BucketOwnershipControls(
            f"{self._name}-owner",
            bucket=bucket.bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._kept,
        )
        self._block = block

    def _encrypt(self, bucket: s3.Bucket, key: EncryptionKey) -> None:
        by_default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms", kms_master_key_id=key.arn
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=bucket.bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=by_default, bucket_key_enabled=True
                )
            ],
            opts=self._kept,
        )
        policy = bucket_policy(bucket.arn, key.arn, self._args.promoted_prefixes)
        s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=bucket.bucket,
            policy=policy.json(),
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=[self._block])),
        )

    def _keep_versions(self, bucket: s3.Bucket) -> None:
        versioning = s3.BucketVersioning(
            f"{self._name}-versions",
            bucket=bucket.bucket,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._kept,
        )
        s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=bucket.bucket,
            rules=lifecycle_rules(self._args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
