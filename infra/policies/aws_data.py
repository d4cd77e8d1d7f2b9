"""Rules about what holds data: buckets, keys, registries, the ways to them, and the state of the stacks themselves."""

from collections.abc import Callable, Sequence
from typing import Final

from infra.policies.aws_cluster import CLUSTERS, setting
from infra.policies.documents import Statement, condition_values, statements
from infra.policies.judged import UNKNOWN, Judged, Maybe, at, both, either, items
from infra.policies.rule import (
    Complaints,
    Level,
    StackComplaints,
    expect,
    expect_is,
    holds,
    of_kind,
    resource_rule,
    shown,
    stack_rule,
)

BUCKETS: Final = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
PUBLIC_BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTIONS: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
VERSIONINGS: Final = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
KEY: Final = "aws:kms/key:Key"
KEY_POLICY: Final = "aws:kms/keyPolicy:KeyPolicy"
REPOSITORY: Final = "aws:ecr/repository:Repository"
ENDPOINT: Final = "aws:ec2/vpcEndpoint:VpcEndpoint"
BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _companions(resources: Sequence[Judged], bucket: Judged, kinds: Sequence[str]) -> list[tuple[Judged, Maybe]]:
    """Resources of these kinds, each with whether it is about this bucket: it waits for it, or names it."""
    found: list[tuple[Judged, Maybe]] = []
    for other in of_kind(resources, *kinds):
        if bucket.urn in other.options.depends_on:
            found.append((other, True))
            continue
        named = at(other.inputs, "bucket")
        known = at(bucket.inputs, "bucket")
        same = named is not None and known is not None and named == known
        found.append((other, UNKNOWN if UNKNOWN in (named, known) else same))
    return found


def _buckets_have(resources: Sequence[Judged], kinds: Sequence[str], what: str) -> StackComplaints:
    for bucket in of_kind(resources, *BUCKETS):
        has = either(about for _, about in _companions(resources, bucket, kinds))
        for complaint in expect(has, f"the bucket needs {what} (got none in the stack)"):
            yield bucket, complaint


@stack_rule(of=BUCKETS, row=17, sources=("CKV2_AWS_6", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"))
def buckets_block_public_access(resources: Sequence[Judged]) -> StackComplaints:
    """Every bucket has a public access block."""
    yield from _buckets_have(resources, (PUBLIC_BLOCK,), "a BucketPublicAccessBlock")


@resource_rule(of=(PUBLIC_BLOCK,), row=17, sources=("CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"))
def public_access_blocks_are_whole(block: Judged) -> Complaints:
    """A public access block has all four of its blocks."""
    for name in BLOCKS:
        yield from expect_is(at(block.inputs, name), True, name)


@stack_rule(of=BUCKETS, row=18, sources=("CKV_AWS_379", "SecurityHub S3.5"))
def buckets_refuse_plain_http(resources: Sequence[Judged]) -> StackComplaints:
    """Every bucket's policy denies requests without TLS."""
    for bucket in of_kind(resources, *BUCKETS):
        refuses = either(
            both(about, _document_has(policy, _denies_plain_http))
            for policy, about in _companions(resources, bucket, (BUCKET_POLICY,))
        )
        message = "the bucket's policy must deny s3:* where aws:SecureTransport is false"
        for complaint in expect(refuses, message):
            yield bucket, complaint


def _document_has(policy: Judged, test: Callable[[Statement], bool]) -> Maybe:
    document = statements(at(policy.inputs, "policy"))
    return UNKNOWN if document is UNKNOWN else any(test(statement) for statement in document)


def _denies_plain_http(statement: Statement) -> bool:
    values = condition_values(statement, "aws:SecureTransport")
    everybody = "*" in statement.principals.get("AWS", ())
    return not statement.allows and everybody and "s3:*" in statement.actions and ("Bool", "false") in values


@resource_rule(of=(BUCKET_POLICY,), row=17, sources=("CKV_AWS_70", "SecurityHub S3.2"))
def bucket_policies_allow_nobody_at_large(policy: Judged) -> Complaints:
    """No bucket policy allows everybody something."""
    everybody = _document_has(policy, lambda s: s.allows and "*" in s.principals.get("AWS", ()) and not s.conditions)
    yield from expect(
        everybody if everybody is UNKNOWN else not everybody, "the policy allows principal * without a condition"
    )


@stack_rule(of=BUCKETS, row=19, sources=("CKV_AWS_145", "CKV_AWS_19"))
def buckets_are_encrypted(resources: Sequence[Judged]) -> StackComplaints:
    """Every bucket has an encryption of its own."""
    yield from _buckets_have(resources, ENCRYPTIONS, "a BucketServerSideEncryptionConfiguration")


@resource_rule(of=ENCRYPTIONS, row=19, sources=("CKV_AWS_145", "EKS guide: AI/ML security"))
def buckets_use_a_key_of_ours(encryption: Judged) -> Complaints:
    """A bucket is encrypted with a KMS key of the customer's, not with Amazon's."""
    for rule in items(at(encryption.inputs, "rules")) or [None]:
        by_default = at(rule, "applyServerSideEncryptionByDefault")
        yield from expect_is(at(by_default, "sseAlgorithm"), "aws:kms", "sseAlgorithm")
        key = at(by_default, "kmsMasterKeyId")
        yield from expect(holds(key, bool), "kmsMasterKeyId must name a key (got nothing)")


@resource_rule(of=(KEY,), row=19, sources=("CKV_AWS_7", "CIS AWS 3.6"))
def keys_rotate(key: Judged) -> Complaints:
    """Keys rotate every year."""
    yield from expect_is(at(key.inputs, "enableKeyRotation"), True, "enableKeyRotation")


@resource_rule(of=(KEY, KEY_POLICY), row=19, sources=("CKV_AWS_33",))
def keys_are_for_named_principals(key: Judged) -> Complaints:
    """No key policy allows everybody."""
    everybody = _document_has(key, lambda s: s.allows and "*" in s.principals.get("AWS", ()))
    yield from expect(everybody if everybody is UNKNOWN else not everybody, "the key's policy allows principal *")


@stack_rule(of=BUCKETS, row=20, sources=("CKV_AWS_21",))
def buckets_keep_versions(resources: Sequence[Judged]) -> StackComplaints:
    """Every bucket keeps the versions of its objects."""
    for bucket in of_kind(resources, *BUCKETS):
        on = either(
            both(about, holds(at(other.inputs, "versioningConfiguration", "status"), lambda value: value == "Enabled"))
            for other, about in _companions(resources, bucket, VERSIONINGS)
        )
        for complaint in expect(on, "the bucket needs a BucketVersioning with status Enabled"):
            yield bucket, complaint


@stack_rule(of=BUCKETS, row=20, sources=("CKV_AWS_143", "S3 rules"), level=Level.ADVISORY)
def versions_are_not_deleted(resources: Sequence[Judged]) -> StackComplaints:
    """A version of an object is beyond deletion: by object lock, or by a policy that denies it."""
    for bucket in of_kind(resources, *BUCKETS):
        locked = holds(at(bucket.inputs, "objectLockEnabled"), lambda value: value is True)
        denied = [
            both(about, _document_has(policy, lambda s: not s.allows and "s3:DeleteObjectVersion" in s.actions))
            for policy, about in _companions(resources, bucket, (BUCKET_POLICY,))
        ]
        for complaint in expect(either([locked, *denied]), "nothing keeps versions from s3:DeleteObjectVersion"):
            yield bucket, complaint


@resource_rule(of=(REPOSITORY,), row=22, sources=("CKV_AWS_51", "CIS EKS 5.1.1"))
def image_tags_never_move(repository: Judged) -> Complaints:
    """A tag of an image never means another image again."""
    mutability = at(repository.inputs, "imageTagMutability")
    fixed = holds(mutability, lambda value: value == "IMMUTABLE")
    yield from expect(fixed, f"imageTagMutability must be IMMUTABLE (got {shown(mutability)})")


@resource_rule(of=(REPOSITORY,), row=22, sources=("CKV_AWS_163", "CIS EKS 5.1.1"))
def images_are_scanned(repository: Judged) -> Complaints:
    """Images are scanned when they are pushed."""
    scan = at(repository.inputs, "imageScanningConfiguration", "scanOnPush")
    yield from expect_is(scan, True, "imageScanningConfiguration.scanOnPush")


@resource_rule(of=(REPOSITORY,), row=22, sources=("CKV_AWS_136",))
def registries_are_encrypted(repository: Judged) -> Complaints:
    """A registry is encrypted with KMS."""
    for configuration in items(at(repository.inputs, "encryptionConfigurations")) or [None]:
        yield from expect_is(at(configuration, "encryptionType"), "KMS", "encryptionConfigurations[].encryptionType")


@resource_rule(of=("aws:ecr/repositoryPolicy:RepositoryPolicy",), row=22, sources=("CKV_AWS_32",))
def registries_are_private(policy: Judged) -> Complaints:
    """No registry is for everybody."""
    everybody = _document_has(policy, lambda s: s.allows and "*" in s.principals.get("AWS", ()))
    yield from expect(everybody if everybody is UNKNOWN else not everybody, "the registry's policy allows principal *")


@stack_rule(of=("aws:ec2/vpc:Vpc",), row=23, sources=("EKS guide: images",))
def buckets_are_reached_inside(resources: Sequence[Judged]) -> StackComplaints:
    """A network of ours reaches S3 by a gateway endpoint, which costs nothing and stays inside."""
    endpoints = of_kind(resources, ENDPOINT)
    inside = either(
        both(
            holds(at(endpoint.inputs, "serviceName"), lambda value: str(value).endswith(".s3")),
            holds(at(endpoint.inputs, "vpcEndpointType"), lambda value: value in (None, "Gateway")),
        )
        for endpoint in endpoints
    )
    for complaint in expect(inside, "the network has no gateway endpoint for S3"):
        yield None, complaint


@resource_rule(of=(ENDPOINT,), row=23, sources=("EKS guide: images",))
def endpoints_have_policies(endpoint: Judged) -> Complaints:
    """The endpoints of S3, ECR and STS say what may pass: named actions, or under a condition."""
    service = at(endpoint.inputs, "serviceName")
    document = statements(at(endpoint.inputs, "policy"))
    if service is UNKNOWN or document is UNKNOWN:
        yield UNKNOWN
        return
    if not str(service).endswith((".s3", ".ecr.api", ".ecr.dkr", ".sts")):
        return
    open_wide = not document or any(
        s.allows and "*" in s.resources and "*" in s.actions and not s.conditions for s in document
    )
    yield from expect(not open_wide, "the endpoint's policy lets everything pass")


@resource_rule(of=("pulumi.com:Stack",), row=24, sources=("Pulumi: state and backends", "Pulumi: secrets"))
def state_is_encrypted_by_kms(stack: Judged) -> Complaints:
    """The stacks that run in the cluster keep their secrets under a KMS key, no passphrase in sight."""
    provider = at(stack.inputs, "spec", "secretsProvider")
    by_kms = holds(provider, lambda value: str(value).startswith("awskms://"))
    yield from expect(by_kms, f"spec.secretsProvider must be awskms://... (got {shown(provider)})")
    environment = at(stack.inputs, "spec", "envRefs")
    plain = holds(environment, lambda value: "PULUMI_CONFIG_PASSPHRASE" not in (value or {}))
    yield from expect(plain, "spec.envRefs must not hold PULUMI_CONFIG_PASSPHRASE")


@stack_rule(of=CLUSTERS, row=None, sources=("Pulumi: protect",))
def what_is_kept_is_kept_whole(resources: Sequence[Judged]) -> StackComplaints:
    """Where the cluster is protected from deletion, so are its buckets and registries, and the keys of all three."""
    clusters = [cluster for cluster in of_kind(resources, *CLUSTERS) if cluster.inputs]
    protected = [holds(setting(cluster, "protected"), lambda value: value is True) for cluster in clusters]
    kept = either(protected)
    if kept is UNKNOWN:
        yield None, UNKNOWN
    if kept is not True:
        return
    holders = of_kind(resources, *CLUSTERS, *ENCRYPTIONS, REPOSITORY)
    needed = {urn for holder in holders for urn in holder.options.depends_on}
    keys = [key for key in of_kind(resources, KEY) if key.urn in needed]
    for resource in (*of_kind(resources, *BUCKETS, REPOSITORY), *keys):
        for complaint in expect(resource.options.protect, "the cluster is protected from deletion and this is not"):
            yield resource, complaint


RULES: Final = (
    buckets_block_public_access,
    public_access_blocks_are_whole,
    buckets_refuse_plain_http,
    bucket_policies_allow_nobody_at_large,
    buckets_are_encrypted,
    buckets_use_a_key_of_ours,
    keys_rotate,
    keys_are_for_named_principals,
    buckets_keep_versions,
    versions_are_not_deleted,
    image_tags_never_move,
    images_are_scanned,
    registries_are_encrypted,
    registries_are_private,
    buckets_are_reached_inside,
    endpoints_have_policies,
    state_is_encrypted_by_kms,
    what_is_kept_is_kept_whole,
)
