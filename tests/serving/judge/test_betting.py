"""Bets are fair when nothing differs, by exact enumeration, and grow when something does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from serving.judge.betting import (
    BLOCK_REQUESTS,
    Side,
    log_wealth,
    log_wealth_of_steps,
    one_sample_log_bets,
    settle,
    two_sample_log_bets,
)

SIDES: list[Side] = ["more", "less", "both"]


def two_sample_e(bad: list[int], requests: list[int], side: Side = "more") -> float:
    return float(np.exp(log_wealth(two_sample_log_bets(np.array(bad), np.array(requests), side))))


@settings(max_examples=200)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.sampled_from(SIDES))
def test_no_bet_is_expected_to_win_when_the_versions_are_alike(stable: int, own: int, share: float, side: Side) -> None:
    """Given how many ended badly, any of the requests may have: the expectation over all of it is at most 1."""
    bad = round(share * (stable + own))
    k = np.arange(max(0, bad - stable), min(bad, own) + 1)
    chance = hypergeom.pmf(k, stable + own, own, bad)
    bets = two_sample_log_bets(np.stack([bad - k, k], -1), np.broadcast_to([stable, own], (len(k), 2)), side)
    assert (chance[:, None] * np.exp(bets)).sum(0).max() <= 1 + 1e-9


def test_rare_errors_lose_almost_nothing_to_the_bound() -> None:
    """Five errors among 20,000 requests: the bets are as good as with the exact distribution."""
    k = np.arange(6)
    chance = hypergeom.pmf(k, 20_000, 2000, 5)
    bets = two_sample_log_bets(np.stack([5 - k, k], -1), np.broadcast_to([18_000, 2000], (6, 2)), "more")
    assert (chance[:, None] * np.exp(bets)).sum(0).min() > 0.97


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("side", SIDES)
def test_a_known_chance_makes_the_bet_exactly_fair(chance: float, side: Side) -> None:
    k = np.arange(51)
    e_value = np.exp(log_wealth(one_sample_log_bets(k, np.full(51, 50), chance, side)))
    assert (binom.pmf(k, 50, chance) * e_value).sum() == pytest.approx(1)


@given(st.integers(20, 5000), st.integers(20, 5000), st.integers(0, 19), st.integers(0, 18))
def test_one_more_error_of_the_candidate_is_more_evidence(stable: int, own: int, before: int, errors: int) -> None:
    assert two_sample_e([before, errors + 1], [stable, own]) > two_sample_e([before, errors], [stable, own])


def test_sides_look_where_they_say() -> None:
    worse, better = ([9, 20], [900, 100]), ([90, 0], [900, 200])
    assert two_sample_e(*worse, "more") > 100 > 1 > two_sample_e(*worse, "less")
    assert two_sample_e(*better, "less") > 100 > 1 > two_sample_e(*better, "more")
    assert min(two_sample_e(*worse, "both"), two_sample_e(*better, "both")) > 100


def test_nothing_counted_changes_nothing() -> None:
    assert two_sample_e([0, 0], [0, 0]) == 1
    assert float(np.exp(log_wealth(one_sample_log_bets(np.array(0), np.array(0), 0.1, "both")))) == pytest.approx(1)


@pytest.mark.parametrize("started", [1, 2, 3])
def test_the_stake_of_all_steps_together_is_one(started: int) -> None:
    assert float(log_wealth_of_steps(np.zeros((3, 12)), np.array(started))) == pytest.approx(0)


def test_a_step_that_has_not_begun_has_no_say() -> None:
    bets = np.zeros((2, 12))
    bets[1] = 50
    assert float(log_wealth_of_steps(bets, np.array(1))) == pytest.approx(0)
    assert float(log_wealth_of_steps(bets, np.array(2))) == pytest.approx(50 + np.log(1 / 6), abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=30))
def test_blocks_lose_no_request_and_are_never_small(windows: list[tuple[int, int]]) -> None:
    carried = np.zeros((2, 1), dtype=np.int64)
    whole = np.zeros((2, 1), dtype=np.int64)
    for stable, candidate in windows:
        block, carried = settle(carried, np.array([[stable], [candidate]]))
        assert not block.any() or block.min() >= BLOCK_REQUESTS
        whole += block
    assert (whole + carried).ravel().tolist() == [sum(each) for each in zip(*windows, strict=True)]
