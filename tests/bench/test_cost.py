"""Bills and a rate -> dollars for a million predictions."""

import pytest

from bench.cost import STACKS, TierBill, tier_bills, usd_per_million


def test_a_million_predictions_cost_their_share_of_the_month() -> None:
    a_month_s = 730 * 3600
    assert usd_per_million(TierBill(usd_per_month=a_month_s, workers=2), 500) == pytest.approx(1_000)


def test_every_tier_has_a_bill_and_workers() -> None:
    bills = tier_bills()
    assert set(bills) == set(STACKS)
    assert all(bill.usd_per_month > 0 and bill.workers >= 1 for bill in bills.values())
    assert bills["low"].usd_per_month < bills["medium"].usd_per_month < bills["high"].usd_per_month
