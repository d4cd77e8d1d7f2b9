"""Every node that a stack may name has a price, and every price a source."""

import pytest

from infra.nodes.instance_types import TYPES
from model.errors import UserError
from stacks.fit import INTERFACES
from stacks.prices import PRICES, Price, instance_price, region_note


@pytest.mark.parametrize("name", sorted({*(one.name for one in TYPES), *INTERFACES}))
def test_every_known_type_has_a_price(name: str) -> None:
    assert instance_price(name).usd > 0


def test_larger_nodes_of_a_family_cost_more() -> None:
    by_family: dict[str, list[tuple[int, float]]] = {}
    for one in TYPES:
        by_family.setdefault(one.name.split(".")[0], []).append((one.vcpus, instance_price(one.name).usd))
    for sizes in by_family.values():
        prices = [usd for _, usd in sorted(sizes)]
        assert prices == sorted(prices)


def test_an_unknown_type_is_told() -> None:
    with pytest.raises(UserError, match=r"got x1\.huge.*known are"):
        instance_price("x1.huge")


@pytest.mark.parametrize("price", [*PRICES.values(), instance_price("m5.large")])
def test_every_price_has_a_source_and_a_day(price: Price) -> None:
    assert price.usd > 0
    assert "aws" in price.source
    assert price.read.year >= 2021


def test_a_month_has_730_hours() -> None:
    assert PRICES["eks_control_plane"].usd_per_month == pytest.approx(73)
    assert PRICES["gp3"].usd_per_month == pytest.approx(0.08)


def test_another_region_is_noted() -> None:
    assert region_note("us-west-2") is None
    assert "eu-west-1" in str(region_note("eu-west-1"))
