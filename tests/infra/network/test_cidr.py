from ipaddress import IPv4Network, collapse_addresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.network.cidr import plan_subnets

PRIVATE_SPACES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


@st.composite
def vpcs(draw: st.DrawFn) -> str:
    space = IPv4Network(draw(st.sampled_from(PRIVATE_SPACES)))
    prefix = draw(st.integers(min_value=16, max_value=20))
    position = draw(st.integers(min_value=0, max_value=2 ** (prefix - space.prefixlen) - 1))
    return str(IPv4Network((int(space.network_address) + (position << (32 - prefix)), prefix)))


@given(vpcs(), st.integers(min_value=2, max_value=4))
def test_subnets_lie_inside_apart_and_aligned(cidr: str, num_zones: int) -> None:
    plan = plan_subnets(cidr, num_zones)
    subnets = plan.private + plan.public
    assert len(plan.private) == len(plan.public) == num_zones
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert sum(subnet.num_addresses for subnet in collapse_addresses(subnets)) == sum(s.num_addresses for s in subnets)
    assert all(int(subnet.network_address) % subnet.num_addresses == 0 for subnet in subnets)
    assert all(16 <= subnet.prefixlen <= 28 for subnet in subnets)


@given(vpcs(), st.integers(min_value=2, max_value=4))
def test_pods_get_at_least_half_of_the_range(cidr: str, num_zones: int) -> None:
    plan = plan_subnets(cidr, num_zones)
    assert plan.pod_addresses >= IPv4Network(cidr).num_addresses / 2 - 5 * num_zones
    assert min(subnet.num_addresses for subnet in plan.private) >= 512


@given(vpcs())
def test_another_zone_never_moves_the_first_ones_of_three_and_two(cidr: str) -> None:
    assert plan_subnets(cidr, 3).private[:2] == plan_subnets(cidr, 2).private


def test_the_usual_network() -> None:
    plan = plan_subnets("10.0.0.0/16", 3)
    assert [str(subnet) for subnet in plan.private] == ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"]
    assert [str(subnet) for subnet in plan.public] == ["10.0.192.0/24", "10.0.193.0/24", "10.0.194.0/24"]
    assert plan.pod_addresses == 3 * (2**14 - 5)


@pytest.mark.parametrize(
    ("cidr", "num_zones", "message"),
    [
        ("10.0.1.0/16", 3, "host bits set"),
        ("ten", 3, "allowed is a network"),
        ("10.0.0.0/8", 3, "allowed are /16 to /20"),
        ("10.0.0.0/24", 3, "allowed are /16 to /20"),
        ("8.8.0.0/16", 3, "allowed are private ranges"),
        ("10.0.0.0/16", 1, "as EKS needs two"),
        ("10.0.0.0/16", 5, "allowed are 2 to 4"),
    ],
)
def test_wrong_ranges_are_refused(cidr: str, num_zones: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_subnets(cidr, num_zones)
