"""The shipped stacks: complete, priced, inside the reference figures, and breaking no mandatory rule."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.cluster.support import AS_OF
from infra.policies.rule import Finding, Level
from model.errors import UserError
from stacks.bill.reference import FIXED_USD, REFERENCE_USD
from stacks.plan.document import document
from stacks.plan.plan import PlatformPart, make_plan
from stacks.programs import known_stacks, stack_file
from tests.stacks.plan.shipped import planned

PLATFORMS = ("dev", "staging", "prod")


def _part(stack: str) -> PlatformPart:
    part = planned(stack).platform
    assert part is not None
    return part


def test_every_environment_has_both_stacks() -> None:
    assert known_stacks() == ["dev", "dev-releases", "prod", "prod-releases", "staging", "staging-releases"]


@pytest.mark.parametrize("stack", known_stacks())
def test_a_shipped_stack_breaks_no_mandatory_rule(stack: str) -> None:
    plan = planned(stack)
    assert [finding for finding in plan.findings if finding.level is Level.MANDATORY] == []
    assert not plan.is_forbidden


@pytest.mark.parametrize("stack", known_stacks())
def test_two_plans_are_the_same(stack: str) -> None:
    assert document(make_plan(stack, today=AS_OF), seconds=0) == document(planned(stack), seconds=0)


@pytest.mark.parametrize("stack", PLATFORMS)
def test_every_type_has_a_price_or_a_reason_to_be_free(stack: str) -> None:
    assert _part(stack).bill.unpriced == ()


@pytest.mark.parametrize("stack", PLATFORMS)
def test_minimum_and_expected_lie_inside_the_reference_range(stack: str) -> None:
    part = _part(stack)
    total, span = part.bill.total, REFERENCE_USD[part.settings.tier]
    assert span.holds(total.expected)
    assert part.settings.tier == "low" or span.low <= total.minimum <= span.high
    assert total.fixed <= total.minimum <= total.expected <= total.maximum


@pytest.mark.parametrize("stack", PLATFORMS)
def test_like_for_like_the_maximum_lies_inside_the_reference_range(stack: str) -> None:
    part = _part(stack)
    assert part.reconciliation.counted_usd.maximum <= part.reconciliation.reference.high
    assert part.reconciliation.counted_usd.fixed <= FIXED_USD


def test_only_the_high_tiers_maximum_exceeds_the_range_and_the_lines_left_out_explain_it() -> None:
    above = [
        stack for stack in PLATFORMS if _part(stack).bill.total.maximum > REFERENCE_USD[_part(stack).settings.tier].high
    ]
    assert above == ["prod"]
    split = _part("prod").reconciliation
    assert _part("prod").bill.total.maximum - split.left_out_usd.maximum <= split.reference.high


def test_the_low_tier_costs_about_300_while_nothing_serves() -> None:
    assert 0.9 * FIXED_USD <= _part("dev").bill.total.fixed <= 1.1 * FIXED_USD


@pytest.mark.parametrize(("stack", "survives"), [("dev", False), ("staging", True), ("prod", True)])
def test_system_pods_fit_and_from_medium_on_survive_the_loss_of_a_node(stack: str, survives: bool) -> None:
    fit = _part(stack).fit
    assert fit is not None
    assert fit.fits
    assert fit.survives is survives


@pytest.mark.parametrize(
    ("stack", "pool", "qps"),
    [
        ("dev", "cpu", (0, 1_900, 1_900)),
        ("staging", "gpu", (1_600, 1_600, 2_400)),
        ("prod", "gpu", (3_200, 4_000, 6_400)),
    ],
)
def test_capacity_of_the_main_pool(stack: str, pool: str, qps: tuple[float, ...]) -> None:
    plan = make_plan(stack, bench=Path("no-such-report.json"))
    assert plan.platform
    found = plan.platform.capacity[0]
    assert found.expected.pool == pool
    assert (found.minimum.qps, found.expected.qps, found.maximum.qps) == qps
    assert found.maximum.source


@pytest.mark.parametrize("stack", PLATFORMS)
def test_examples_in_the_shipped_files_are_named(stack: str) -> None:
    found = [finding for finding in planned(stack).findings if finding.rule == "no-example-settings"]
    assert len(found) == 1
    assert "stillhouse:edge.hostname" in found[0].message


def test_a_mandatory_finding_forbids() -> None:
    plan = planned("dev")
    bad = Finding(rule="x", level=Level.MANDATORY, resource="", message="m", source="s")
    assert replace(plan, findings=(*plan.findings, bad)).is_forbidden


def test_a_secret_that_the_file_lacks_is_named_and_replaced(tmp_path: Path) -> None:
    text = stack_file("dev").read_text()
    (tmp_path / "Pulumi.dev.yaml").write_text(text + "  stillhouse:observability: {alert_receiver: webhook}\n")
    plan = make_plan("dev", folder=tmp_path)
    assert plan.platform
    assert plan.platform.missing_secrets == ("alert_receiver_secret",)
    encrypted = "  stillhouse:alert_receiver_secret: {secure: v1:abc:def}\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(
        text + "  stillhouse:observability: {alert_receiver: webhook}\n" + encrypted
    )
    again = make_plan("dev", folder=tmp_path)
    assert again.platform
    assert again.platform.missing_secrets == ()
    assert again.capture.outputs == plan.capture.outputs


@pytest.mark.parametrize(("name", "hint"), [("prd", "did you mean `prod`?"), ("dev-release", "`dev-releases`")])
def test_an_unknown_stack_is_told_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        make_plan(name)
    assert "there are: dev, dev-releases" in str(caught.value)
    assert hint in caught.value.hint


def test_what_a_component_refuses_is_told_with_the_stacks_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.my_env.yaml").write_text(stack_file("dev").read_text())
    with pytest.raises(UserError) as caught:
        make_plan("my_env", folder=tmp_path)
    assert "Pulumi.my_env.yaml`: cluster_name: (got 'stillhouse-my_env'); allowed are" in str(caught.value)
    assert "docs/settings.md" in caught.value.hint


def test_a_releases_stack_has_no_bill() -> None:
    assert planned("prod-releases").platform is None
    assert document(planned("prod-releases"), seconds=1)["cost"] is None
