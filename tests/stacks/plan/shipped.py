"""Every shipped stack, planned once."""

from functools import cache

from stacks.plan.plan import Plan, make_plan


@cache
def planned(stack: str) -> Plan:
    """The plan of a shipped stack."""
    return make_plan(stack)
