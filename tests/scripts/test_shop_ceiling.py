"""What is hidden helps whoever is shown it, and what is shown lies before the cut-off."""

import numpy as np

from model.shop.state import ShopSettings
from scripts.shop_ceiling import QUESTIONS, ceilings, replay, visible

SMALL = ShopSettings(num_customers=4_000, num_articles=200, num_days=420)


def test_hidden_state_is_worth_something() -> None:
    found = ceilings(SMALL)
    assert list(found) == list(QUESTIONS)
    assert 0.5 < found["visits"] < found["visits, stage"] < found["visits, everything"] < 1


def test_what_is_visible_lies_before_the_day() -> None:
    found = replay(SMALL, [100])
    before = visible(found, 100)
    found.visits[100:], found.lines[100:] = True, 99
    assert np.array_equal(visible(found, 100), before, equal_nan=True)
    assert set(found.hidden) == {100}
