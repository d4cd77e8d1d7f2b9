"""Intervals over entities and seeds: of the right width, paired, and undefined where nothing is known."""

import numpy as np
import pytest

from model.metrics import bootstrap, mae
from model.protocol.intervals import Resamples
from model.protocol.scored import Floats


def noisy(label: Floats, scale: float, seed: int) -> Floats:
    found: Floats = label + np.random.default_rng(seed).normal(0, scale, len(label))
    return found


def test_with_a_row_an_entity_and_one_seed_it_is_the_plain_bootstrap() -> None:
    label = np.random.default_rng(0).normal(size=800)
    score = noisy(label, 1, 1)
    ours = Resamples("mae", label, np.arange(800), {"model": [score]}).quality("model")
    plain = bootstrap(mae, label, {"model": score})["model"]
    assert ours.mean == pytest.approx(plain.value)
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=0.005)


def test_rows_of_one_entity_are_no_news_of_several() -> None:
    rng = np.random.default_rng(1)
    error = np.repeat(rng.exponential(size=100), 20)
    label, each, one = np.zeros(2000), np.arange(2000), np.repeat(np.arange(100), 20)
    apart = Resamples("mae", label, each, {"model": [error]}).quality("model")
    together = Resamples("mae", label, one, {"model": [error]}).quality("model")
    assert together.mean == apart.mean
    assert together.high - together.low > 3 * (apart.high - apart.low)


def test_seeds_that_differ_widen_the_interval() -> None:
    label = np.zeros(5000)
    alike, apart = np.ones(5000), [np.full(5000, float(value)) for value in (0.5, 1.0, 1.5)]
    entity = np.arange(5000)
    narrow = Resamples("mae", label, entity, {"model": [alike] * 3}).quality("model")
    wide = Resamples("mae", label, entity, {"model": apart}).quality("model")
    assert (narrow.low, narrow.high) == (1, 1)
    assert wide.mean == 1
    assert wide.seeds == (0.5, 1.0, 1.5)
    assert wide.low < 0.9 < 1.1 < wide.high


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(2)
    label = (rng.random(2000) < 0.4).astype(float)
    first = noisy(label, 1.5, 3)
    second = first + rng.normal(0, 0.2, 2000)
    found = Resamples("auroc", label, np.arange(2000), {"a": [first], "b": [second], "c": [first]})
    apart, same = found.difference("a", "b"), found.difference("a", "c")
    assert apart.mean == pytest.approx(found.quality("a").mean - found.quality("b").mean)
    assert apart.high - apart.low < (found.quality("a").high - found.quality("a").low) / 2
    assert (same.mean, same.low, same.high, same.excludes_zero) == (0, 0, 0, False)
    assert Resamples("auroc", label, np.arange(2000), {"a": [label], "b": [first]}).difference("a", "b").excludes_zero


def test_a_ranking_is_the_mean_of_its_rows() -> None:
    precision = np.array([0.0, 0.5, 1.0, 0.5])
    found = Resamples("map", np.zeros(4), np.arange(4), {"model": [precision]}).quality("model")
    assert found.mean == 0.5
    assert 0 <= found.low < 0.5 < found.high <= 1


def test_one_class_has_no_auroc() -> None:
    found = Resamples("auroc", np.ones(10), np.arange(10), {"model": [np.arange(10.0)]}).quality("model")
    assert np.isnan([found.mean, found.low, found.high]).all()
