"""Every shipped stack, planned once."""

from functools import cache

from infra.cluster.support import AS_OF
from stacks.plan.plan import Plan, make_plan


@cache
def planned(stack: str) -> Plan:
    """The plan of a shipped stack."""
    return make_plan(stack, today=AS_OF)
