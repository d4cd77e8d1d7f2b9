import pytest

from infra.network.endpoints import INTERFACE_ACTIONS, InterfaceEndpoint, gateway_policy, interface_policy
from tests.infra.aws import ACCOUNT

VPC = "vpc-0123456789abcdef0"


def test_the_gateway_opens_our_buckets_and_reads_of_named_others() -> None:
    ours, others = gateway_policy(ACCOUNT, VPC).body()["Statement"]
    assert ours["Condition"] == {"StringEquals": {"aws:ResourceAccount": ["123456789012"]}}
    assert others["Action"] == ["s3:GetObject"]
    assert "arn:aws:s3:::prod-us-west-2-starport-layer-bucket/*" in others["Resource"]
    assert "arn:aws:s3:::prod-registry-k8s-io-us-west-2/*" in others["Resource"]
    assert all(not arn.startswith("arn:aws:s3:::*") for arn in others["Resource"])


@pytest.mark.parametrize("interface", INTERFACE_ACTIONS)
def test_interfaces_let_only_this_vpc_and_named_actions_pass(interface: InterfaceEndpoint) -> None:
    policy = interface_policy(interface, VPC)
    assert policy is not None
    (statement,) = policy.body()["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceVpc": [VPC]}}
    service = interface.value.split(".")[0]
    assert all(action.startswith(f"{service}:") for action in statement["Action"])


def test_pods_can_take_their_roles_through_the_sts_interface() -> None:
    assert "sts:AssumeRoleWithWebIdentity" in INTERFACE_ACTIONS[InterfaceEndpoint.STS]


def test_ec2_is_left_to_the_roles() -> None:
    assert interface_policy(InterfaceEndpoint.EC2, VPC) is None
