"""What a run may say about a percentile."""

import numpy as np
import pytest

from serving.load_quote import fewest_requests, interval_ranks, quote


def test_the_interval_holds_the_percentile_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    low, high = interval_ranks(1000, 99) or (0, 0)
    truth = -np.log(0.01)
    runs = np.sort(random.exponential(size=(4000, 1000)), axis=1)
    covered = np.mean((runs[:, low] <= truth) & (truth <= runs[:, high]))
    assert 0.94 < covered < 0.99


@pytest.mark.parametrize(("percent", "fewest"), [(50, 6), (90, 36), (99, 368), (99.9, 3688)])
def test_too_few_requests_are_refused_and_one_more_is_enough(percent: float, fewest: int) -> None:
    assert fewest_requests(percent) == fewest
    assert interval_ranks(fewest - 1, percent) is None
    assert interval_ranks(fewest, percent) is not None
    few = quote(np.ones(fewest - 1), percent, None)
    assert (few.value_ms, few.low_ms, few.high_ms) == (None, None, None)
    assert few.refusal == f"{fewest - 1} requests; {fewest} are needed"


def test_no_requests_are_too_few() -> None:
    assert quote(np.zeros(0), 99, None).refusal == "0 requests; 368 are needed"


def test_a_late_generator_quotes_nothing() -> None:
    assert quote(np.ones(10_000), 99, "late").refusal == "the load generator was late"


def test_a_quoted_percentile_lies_in_its_interval() -> None:
    said = quote(np.random.default_rng(1).exponential(size=5000), 99, None)
    assert said.refusal is None
    assert said.low_ms is not None
    assert said.value_ms is not None
    assert said.high_ms is not None
    assert said.low_ms < said.value_ms < said.high_ms
