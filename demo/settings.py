"""What the demo runs on: the generated shop, or tables and a query of one's own."""

from dataclasses import dataclass, field
from pathlib import Path

from model.errors import UserError
from model.shop.simulate import PRESETS

SHOP_QUERY = """PREDICT COUNT(transactions.*, 0, 30, days) = 0
FOR EACH customers.customer_id
WHERE COUNT(transactions.*, -90, 0, days) > 0"""
"""Will a customer who bought in the last 90 days buy nothing in the next 30?"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutoffs:
    """When to label; None derives it from the times of the tables."""

    validation_ns: tuple[int, ...] | None = None
    test_ns: tuple[int, ...] | None = None
    first_ns: int | None = None
    step_days: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoSettings:
    """One run of the whole line."""

    folder: Path
    """Everything is written below it."""
    preset: str = "demo"
    """Of the generated shop; unused with tables of one's own."""
    tables: Path | None = None
    """A user's own tables; None generates the shop."""
    query: str = SHOP_QUERY
    cutoffs: Cutoffs = field(default_factory=Cutoffs)
    training_rows: int = 100_000
    """Rows that all five models learn from; more are thinned at random."""
    deep_rows: int = 90_000
    """Row visits of the deep model's training."""
    distilled_rows: int = 30_000
    """Training rows that the deep model teaches."""
    requests_per_second: float = 80.0
    """Of the load that runs through all releases."""
    requests_per_step: int = 1_200
    """Requests before a step of the release is over, so that its split can be told."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise UserError(f"no such preset (got `{self.preset}`)", hint=f"one of {', '.join(PRESETS)}")
        if not self.requests_per_second > 0:
            raise UserError(f"`requests_per_second` must be above 0 (got {self.requests_per_second})")
