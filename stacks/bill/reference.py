"""The reference figures for the three tiers, and how far this bill is from them because it counts more.

The reference counts three m5.large system nodes, one internal load balancer, the system nodes' volumes and the tier's
workers; it leaves out the control plane, NAT, endpoints, keys, logs, storage and the workers' volumes.
"""

from dataclasses import dataclass

from stacks.bill.bill import Bill, total_of
from stacks.bill.line import Cases, Line
from stacks.settings.settings import Tier

FIXED_USD = 300.0
"""System nodes, storage and network, in every tier: about."""
TOLERANCE = 0.10
"""What `about` is taken to mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """USD a month."""

    low: float
    high: float

    def holds(self, usd: float) -> bool:
        """Whether a sum lies inside, or within what `about` means."""
        return self.low * (1 - TOLERANCE) <= usd <= self.high * (1 + TOLERANCE)


REFERENCE_USD: dict[Tier, Range] = {
    "low": Range(low=580, high=580),
    "medium": Range(low=2_000, high=3_500),
    "high": Range(low=4_000, high=8_000),
}
"""us-west-2, on demand: one m5.2xlarge; two to three g6.4xlarge; four to eight g6.4xlarge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciliation:
    """A bill, split into what the reference counts and what it leaves out."""

    tier: Tier
    counted: tuple[Line, ...]
    left_out: tuple[Line, ...]

    @property
    def counted_usd(self) -> Cases:
        """Like for like with the reference."""
        return total_of(self.counted)

    @property
    def left_out_usd(self) -> Cases:
        """What the reference does not count."""
        return total_of(self.left_out)

    @property
    def reference(self) -> Range:
        """The tier's range."""
        return REFERENCE_USD[self.tier]


def reconcile(bill: Bill, tier: Tier) -> Reconciliation:
    """Split a bill."""
    return Reconciliation(
        tier=tier,
        counted=tuple(line for line in bill.lines if line.in_reference),
        left_out=tuple(line for line in bill.lines if not line.in_reference),
    )
