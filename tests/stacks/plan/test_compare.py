"""A change of tier, told as resources and inputs."""

from stacks.capture.run import Capture
from stacks.capture.values import Secret
from stacks.plan.compare import compare
from stacks.plan.plan import Plan, make_plan
from tests.stacks.bill.samples import resource
from tests.stacks.plan.shipped import planned


def test_a_plan_differs_in_nothing_from_itself() -> None:
    found = compare(planned("staging"), make_plan("staging"))
    assert (found.added, found.removed, found.changed) == ((), (), ())


def test_from_medium_to_high() -> None:
    found = compare(planned("staging"), make_plan("staging", tier="high"))
    assert {one.type for one in found.added} >= {"aws:ec2/natGateway:NatGateway", "kubernetes:karpenter.sh/v1:NodePool"}
    assert found.removed == ()
    pool = [change for change in found.changed if change.resource == "pools-gpu" and "gpu" in change.path]
    assert [(change.before, change.after) for change in pool] == [("3", "8")]


def test_the_way_back_is_the_mirror() -> None:
    there = compare(planned("staging"), make_plan("staging", tier="high"))
    back = compare(make_plan("staging", tier="high"), planned("staging"))
    assert there.added == back.removed
    assert [(one.before, one.after) for one in there.changed] == [(one.after, one.before) for one in back.changed]


def _plan(value: str) -> Plan:
    one = resource("kubernetes:core/v1:Secret", "s", {"stringData": {"token": Secret(value)}})
    return Plan(stack="x", capture=Capture(resources=(one,), outputs={}), findings=(), platform=None)


def test_secrets_are_not_shown() -> None:
    assert compare(_plan("old"), _plan("new")).changed == ()
