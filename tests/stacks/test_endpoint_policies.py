"""Pulumi manages what the program declares from inside the VPC too, through the endpoints that the program makes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.capture.resource import Resource
from stacks.capture.values import reveal
from tests.infra.network.passing import Call, passes
from tests.stacks.plan.shipped import planned

CALLS: Mapping[str, tuple[str, ...]] = {
    "aws:s3/bucket:Bucket": ("s3:CreateBucket", "s3:DeleteBucket", "s3:GetBucketLocation", "s3:PutBucketTagging"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "s3:GetLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "aws:s3/bucketPolicy:BucketPolicy": ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3:GetEncryptionConfiguration",
        "s3:PutEncryptionConfiguration",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ("s3:GetBucketVersioning", "s3:PutBucketVersioning"),
    "aws:ecr/repository:Repository": ("ecr:CreateRepository", "ecr:DescribeRepositories", "ecr:DeleteRepository"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("ecr:GetLifecyclePolicy", "ecr:PutLifecyclePolicy"),
    "aws:cloudwatch/logGroup:LogGroup": (
        "logs:CreateLogGroup",
        "logs:DescribeLogGroups",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:DeleteLogGroup",
    ),
    "pulumi:backend": ("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
    "images are pushed": (
        "ecr:GetAuthorizationToken",
        "ecr:InitiateLayerUpload",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    ),
    "any caller": ("sts:GetCallerIdentity", "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"),
}
"""Type of a resource, or another work -> calls that the AWS provider, the backend or a build makes for it."""
THROUGH = {"s3": "s3", "ecr": "ecr.api", "logs": "logs", "sts": "sts"}
"""Service -> the endpoint that its calls take in `prod`."""
SERVED = ("aws:s3/", "aws:ecr/", "aws:cloudwatch/logGroup:")
"""Types whose service has an endpoint there."""


def _policy(service: str) -> Mapping[str, Any]:
    endpoint = next(
        found
        for found in planned("prod").capture.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
        if found.inputs["serviceName"] == f"com.amazonaws.us-west-2.{THROUGH[service]}"
    )
    parsed: Mapping[str, Any] = json.loads(str(reveal(endpoint.inputs["policy"])))
    return parsed


def _declared() -> set[str]:
    def is_served(one: Resource) -> bool:
        return one.type.startswith(SERVED)

    return {one.type for one in planned("prod").capture.resources if is_served(one)}


def test_every_type_that_the_program_manages_through_an_endpoint_is_tried() -> None:
    assert _declared() == {token for token in CALLS if token.startswith("aws:")}


@pytest.mark.parametrize("action", sorted({action for actions in CALLS.values() for action in actions}))
def test_the_calls_of_an_update_pass(action: str) -> None:
    service = action.partition(":")[0]
    vpc = planned("prod").capture.one("aws:ec2/vpc:Vpc").outputs["id"]
    assert passes(_policy(service), Call(action=action, resource="arn:aws:s3:::ours", vpc=str(vpc)))
