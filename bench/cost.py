"""The measured rate and the stacks' bills -> dollars for a million predictions, by tier."""

from dataclasses import dataclass

from stacks.plan.plan import make_plan
from stacks.prices import HOURS_PER_MONTH

STACKS = {"low": "dev", "medium": "staging", "high": "prod"}
"""Tier -> the shipped stack that is of it."""
ASSUMPTIONS = (
    "the stack's whole expected bill, its expected workers answering all month long at the rate that was measured here "
    "for one endpoint: its two or more cores also ran the load generator and the gateway, so a worker answers more"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TierBill:
    """What the workers of a tier cost together."""

    usd_per_month: float
    workers: int


def tier_bills() -> dict[str, TierBill]:
    """Of the shipped stacks, expected case."""
    found = {}
    for tier, stack in STACKS.items():
        platform = make_plan(stack).platform
        assert platform is not None, stack
        workers = platform.capacity[0].expected.pods
        found[tier] = TierBill(usd_per_month=platform.bill.total.expected, workers=workers)
    return found


def usd_per_million(bill: TierBill, rate: float) -> float:
    """Dollars for a million predictions when every worker answers `rate` requests a second all month long."""
    per_month = rate * bill.workers * HOURS_PER_MONTH * 3600
    return bill.usd_per_month / per_month * 1e6
