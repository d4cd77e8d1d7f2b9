"""Paths into inputs, and truth in three values."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policies.judged import UNKNOWN, Judged, Maybe, at, both, either, has_unknown, items, negate, parse_json

MAYBES: tuple[Maybe, ...] = (True, False, UNKNOWN)
INPUTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def test_an_unknown_value_has_no_truth() -> None:
    with pytest.raises(TypeError, match="no truth"):
        bool(UNKNOWN)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("a", "b", 0), 1),
        (("a", "b", 1), None),
        (("a", "x", "y"), None),
        (("u", "x", 3), UNKNOWN),
        (("t", 0), None),
        ((), {"a": {"b": [1]}, "u": UNKNOWN, "t": "text"}),
    ],
)
def test_a_path_finds_what_is_there(path: tuple[str | int, ...], found: object) -> None:
    assert at({"a": {"b": [1]}, "u": UNKNOWN, "t": "text"}, *path) == found


@given(INPUTS, st.lists(st.text(max_size=3) | st.integers(min_value=0, max_value=3), max_size=3))
def test_a_path_never_fails(inputs: object, path: list[str | int]) -> None:
    found = at(inputs, *path)
    assert found is None or found is UNKNOWN or has_unknown(inputs) >= has_unknown(found)


def test_a_list_has_its_items_and_anything_else_is_one() -> None:
    assert items(None) == []
    assert items([1, 2]) == [1, 2]
    assert items("text") == ["text"]
    assert items(UNKNOWN) == [UNKNOWN]


@pytest.mark.parametrize(("one", "other"), list(product(MAYBES, MAYBES)))
def test_truth_in_three_values_follows_every_way_the_unknown_may_turn_out(one: Maybe, other: Maybe) -> None:
    def turns(value: Maybe) -> list[bool]:
        return [True, False] if value is UNKNOWN else [bool(value)]

    ways = list(product(turns(one), turns(other)))
    for combined, outcomes in (
        (both(one, other), {x and y for x, y in ways}),
        (either((one, other)), {x or y for x, y in ways}),
        (negate(one), {not x for x, _ in ways}),
    ):
        assert combined == (outcomes.pop() if len(outcomes) == 1 else UNKNOWN)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("kubernetes:core/v1:Namespace", "core:Namespace"),
        ("kubernetes:networking.istio.io/v1beta1:Gateway", "networking.istio.io:Gateway"),
        ("kubernetes:helm.sh/v3:Release", "helm.sh:Release"),
        ("aws:s3/bucket:Bucket", "aws:s3/bucket:Bucket"),
        ("pulumi:providers:kubernetes", "pulumi:providers:kubernetes"),
    ],
)
def test_a_kind_is_the_type_without_its_version(type_: str, kind: str) -> None:
    assert Judged(type=type_, name="x", urn="x", inputs={}).kind == kind


def test_a_document_is_read_or_is_none() -> None:
    assert parse_json('{"a": 1}') == {"a": 1}
    assert parse_json("{") is None
    assert parse_json(None) is None
    assert parse_json(UNKNOWN) is UNKNOWN
