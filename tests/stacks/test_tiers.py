"""The tiers' table fits the settings, and the file always has the last word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.settings.read import read_settings
from stacks.settings.settings import Settings, Tier
from stacks.tiers import TABLE, TIERS, Row, with_tier
from tests.stacks.settings.samples import SMALL, with_own


def _at(settings: Settings, path: str) -> object:
    value: object = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("tier", TIERS)
def test_every_row_is_a_setting_and_arrives(tier: Tier) -> None:
    settings = read_settings(with_own("tier", tier))
    assert {row.path: _at(settings, row.path) for row in TABLE} == {row.path: row.of(tier) for row in TABLE}


@given(row=st.sampled_from(TABLE), tier=st.sampled_from(TIERS))
def test_the_file_wins_over_the_tier_and_changes_no_other_row(row: Row, tier: Tier) -> None:
    nested: object = "mine"
    for name in reversed(row.path.split(".")):
        nested = {name: nested}
    assert isinstance(nested, dict)
    merged = with_tier(nested, tier)
    for other in TABLE:
        if other.only_kind is not None and row.path == "network.kind":
            continue
        value: object = merged
        for name in other.path.split("."):
            assert isinstance(value, dict)
            value = value[name]
        assert value == ("mine" if other == row else other.of(tier))


def test_nothing_gets_smaller_with_the_tier() -> None:
    rising = [row for row in TABLE if isinstance(row.low, int) and not row.path.startswith("nodes.cpu")]
    assert rising
    for row in rising:
        assert row.low <= row.medium <= row.high, row.path  # type: ignore[operator]


def test_what_is_given_is_left_as_it_is() -> None:
    given_values: dict[str, object] = {"network": {"cidr": "10.0.0.0/16"}}
    with_tier(given_values, "high")
    assert given_values == {"network": {"cidr": "10.0.0.0/16"}}


def test_the_small_sample_is_complete() -> None:
    assert read_settings(SMALL).tier == "low"
