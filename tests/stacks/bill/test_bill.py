"""The bill adds up, and says what it could not price."""

from dataclasses import replace

import pytest

from stacks.bill.bill import bill
from stacks.bill.free import reason_free
from stacks.bill.line import merged
from stacks.bill.reference import REFERENCE_USD, reconcile
from tests.stacks.bill.samples import captured, node_class, node_pool, resource, settings


def test_sums_are_those_of_the_lines_and_of_the_groups() -> None:
    program = captured(resource("eks:index:Cluster", "c", {}), node_pool(), node_class())
    found = bill(program, settings())
    assert found.total.expected == pytest.approx(sum(line.usd_per_month.expected for line in found.lines))
    assert found.total.maximum == pytest.approx(sum(cases.maximum for cases in found.grouped().values()))


def test_an_unknown_type_is_unpriced_and_not_free() -> None:
    found = bill(captured(resource("aws:rds/instance:Instance", "db", {})), settings())
    assert found.unpriced == ("aws:rds/instance:Instance",)


def test_components_and_reads_cost_nothing() -> None:
    component = resource("stillhouse:x:Y", "y", {}, custom=False)
    existing = replace(resource("aws:kms/key:Key", "k", {}), read=True)
    found = bill(captured(component, existing), settings())
    assert (found.lines, found.unpriced) == ((), ())


def test_counted_and_left_out_are_all() -> None:
    program = captured(resource("eks:index:Cluster", "c", {}), node_pool(), node_class())
    found = bill(program, settings())
    split = reconcile(found, "high")
    assert set(split.counted) | set(split.left_out) == set(found.lines)
    assert split.counted_usd.maximum + split.left_out_usd.maximum == pytest.approx(found.total.maximum)


def test_another_region_is_said() -> None:
    elsewhere = settings().model_copy(update={"region": "eu-west-1"})
    assert bill(captured(), settings()).notes == ()
    assert "eu-west-1" in bill(captured(), elsewhere).notes[0]


@pytest.mark.parametrize(
    ("token", "free"),
    [
        ("aws:iam/role:Role", True),
        ("aws:s3/bucketVersioning:BucketVersioning", True),
        ("aws:s3/bucket:Bucket", False),
        ("kubernetes:core/v1:Namespace", True),
        ("aws:lambda/function:Function", False),
    ],
)
def test_free_types_have_a_reason(token: str, free: bool) -> None:
    assert (reason_free(token) is not None) is free


def test_about_580_is_a_range() -> None:
    assert REFERENCE_USD["low"].holds(600)
    assert not REFERENCE_USD["low"].holds(700)


def test_merged_lines_keep_the_sum() -> None:
    program = captured(
        *(resource("aws:kms/key:Key", f"k{number}", {}) for number in range(3)), node_pool(), node_class()
    )
    found = bill(program, settings())
    short = merged(found.lines)
    assert short[0].what == "3 x KMS key"
    assert len(short) == len(found.lines) - 2
    assert sum(line.usd_per_month.maximum for line in short) == pytest.approx(found.total.maximum)
