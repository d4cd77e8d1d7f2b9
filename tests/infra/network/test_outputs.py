import pytest

from infra.network.outputs import ExistingNetwork

VPC = "vpc-0123456789abcdef0"
SUBNETS = ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")


def test_a_network_by_id_gives_what_a_made_one_gives() -> None:
    outputs = ExistingNetwork(vpc_id=VPC, private_subnet_ids=SUBNETS).outputs
    assert (outputs.vpc_id, outputs.private_subnet_ids) == (VPC, SUBNETS)


@pytest.mark.parametrize(
    ("vpc_id", "subnets", "message"),
    [
        ("subnet-1", SUBNETS, "begin with vpc-"),
        (VPC, ("vpc-1", "subnet-1"), "begin with subnet-"),
        (VPC, ("subnet-1", "subnet-1"), "allowed are two or more"),
    ],
)
def test_wrong_ids_are_refused(vpc_id: str, subnets: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExistingNetwork(vpc_id=vpc_id, private_subnet_ids=subnets)
