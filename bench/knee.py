"""The highest rate that holds, found by trying: up in steps until one fails, then halving the gap. Pure.

A neighbour on the same machine can spoil any one try, so a rate only counts as failed when it failed twice.
"""

from dataclasses import dataclass, field
from math import sqrt

_GROWTH = 1.7
_TRIES = 2
LOWEST_RATE = 20.0
"""Below it a step would take minutes until its p99 may be quoted."""


@dataclass(kw_only=True, slots=True)
class KneeSearch:
    """Ask `next_rate`, try it, and `tell` whether it held, until there is none."""

    start: float
    """Requests a second of the first try."""
    tolerance: float
    """The search ends when the lowest rate that failed is within this share of the highest that held."""
    highest: float | None = None
    """That held."""
    lowest_failed: float | None = None
    _failures: dict[float, int] = field(default_factory=dict)

    def next_rate(self) -> float | None:
        """What to try now; None at the end, or where not even the lowest rate holds."""
        if self.highest is None and self.lowest_failed is None:
            return self.start
        if self.lowest_failed is None:
            assert self.highest is not None
            return self.highest * _GROWTH
        if self.highest is None:
            lower = self.lowest_failed / _GROWTH
            return lower if lower >= LOWEST_RATE else None
        if self.lowest_failed / self.highest <= 1 + self.tolerance:
            return None
        return sqrt(self.highest * self.lowest_failed)

    def tell(self, rate: float, held: bool) -> None:
        """What came of a try at `next_rate`; after a first failure that is the same rate again."""
        if held:
            self.highest = max(rate, self.highest or rate)
            return
        self._failures[rate] = self._failures.get(rate, 0) + 1
        if self._failures[rate] >= _TRIES:
            self.lowest_failed = min(rate, self.lowest_failed or rate)
