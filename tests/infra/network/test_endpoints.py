from dataclasses import replace

import pytest

from infra.network.endpoints import PULL, InterfaceEndpoint, gateway_policy, interface_policy
from tests.infra.aws import ACCOUNT
from tests.infra.network.passing import VPC, Call, passes

S3 = gateway_policy(ACCOUNT, VPC).body()
POLICIES = {interface: interface_policy(interface, ACCOUNT, VPC).body() for interface in InterfaceEndpoint}
OUR_BUCKET = "arn:aws:s3:::state/.pulumi/stacks/prod.json"
LAYER = "arn:aws:s3:::prod-us-west-2-starport-layer-bucket/layer"
SERVICE = {interface: interface.value.split(".")[0] for interface in InterfaceEndpoint}


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetBucketPolicy"])
def test_we_do_all_that_our_roles_may_with_our_buckets(action: str) -> None:
    assert passes(S3, Call(action=action, resource=OUR_BUCKET))


def test_nobody_carries_data_into_a_strangers_bucket_or_uses_a_strangers_key_for_ours() -> None:
    assert not passes(S3, Call(action="s3:PutObject", resource=OUR_BUCKET, resource_account="999999999999"))
    assert not passes(S3, Call(action="s3:GetObject", resource=OUR_BUCKET, principal_account="999999999999"))
    assert not passes(S3, Call(action="s3:GetObject", resource=OUR_BUCKET, principal_account=None))


def test_nodes_read_public_layers_and_packages_and_write_none() -> None:
    read = Call(action="s3:GetObject", resource=LAYER, principal_account=None, resource_account="999999999999")
    assert passes(S3, read)
    assert not passes(S3, replace(read, action="s3:PutObject"))
    assert not passes(S3, replace(read, vpc="vpc-elsewhere"))


@pytest.mark.parametrize("interface", InterfaceEndpoint)
def test_what_is_no_principal_of_ours_passes_no_interface(interface: InterfaceEndpoint) -> None:
    call = Call(action=f"{SERVICE[interface]}:Describe", principal_account="999999999999")
    assert not passes(POLICIES[interface], call)


@pytest.mark.parametrize("interface", set(InterfaceEndpoint) - {InterfaceEndpoint.EC2})
def test_our_principals_reach_only_what_is_ours(interface: InterfaceEndpoint) -> None:
    action = f"{SERVICE[interface]}:Describe"
    assert passes(POLICIES[interface], Call(action=action))
    assert passes(POLICIES[interface], Call(action=action, resource_account=None))
    assert not passes(POLICIES[interface], Call(action=action, resource_account="999999999999"))


@pytest.mark.parametrize("interface", [InterfaceEndpoint.ECR_API, InterfaceEndpoint.ECR_DKR])
def test_nodes_pull_the_images_of_add_ons_from_aws_own_registries_and_push_nowhere_else(
    interface: InterfaceEndpoint,
) -> None:
    assert all(passes(POLICIES[interface], Call(action=action, resource_account="602401143452")) for action in PULL)
    assert not passes(POLICIES[interface], Call(action="ecr:PutImage", resource_account="602401143452"))


def test_pods_take_our_roles_before_they_belong_to_any_account() -> None:
    sts, action = POLICIES[InterfaceEndpoint.STS], "sts:AssumeRoleWithWebIdentity"
    assert passes(sts, Call(action=action, principal_account=None))
    assert not passes(sts, Call(action=action, principal_account=None, vpc="vpc-elsewhere"))
    assert not passes(sts, Call(action=action, principal_account=None, resource_account="999999999999"))


def test_a_launch_may_name_images_of_amazon() -> None:
    assert passes(POLICIES[InterfaceEndpoint.EC2], Call(action="ec2:RunInstances", resource_account="999999999999"))
