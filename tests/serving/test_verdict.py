"""The verdict's false alarms under peeking, its power, and its named outcomes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from serving.verdict import Counts, Verdict, error_e_value, judge_errors


def counts(requests: int, errors: int = 0) -> Counts:
    return Counts(requests=requests, errors=errors)


def alarm_share(
    candidate_rate: float, *, requests_per_look: int, share: float, alpha: float, repetitions: int = 1000
) -> float:
    """Share of canaries with any ROLLBACK in 20 looks, the stable version failing 1 % of its requests."""
    random = np.random.default_rng(20260102)
    alarms = 0
    for _ in range(repetitions):
        on_candidate = random.binomial(requests_per_look, share, size=20)
        stable = np.cumsum(
            [requests_per_look - on_candidate, random.binomial(requests_per_look - on_candidate, 0.01)], axis=1
        )
        candidate = np.cumsum([on_candidate, random.binomial(on_candidate, candidate_rate)], axis=1)
        alarms += any(
            judge_errors(counts(*map(int, s)), counts(*map(int, c)), alpha=alpha, min_samples=100).verdict
            is Verdict.ROLLBACK
            for s, c in zip(stable.T, candidate.T, strict=True)
        )
    return alarms / repetitions


@pytest.mark.parametrize(("requests_per_look", "share"), [(200, 0.1), (1000, 0.1), (1000, 0.5), (1000, 0.01)])
def test_a_healthy_candidate_is_rolled_back_less_often_than_alpha(requests_per_look: int, share: float) -> None:
    assert alarm_share(0.01, requests_per_look=requests_per_look, share=share, alpha=0.05) < 0.05


def test_five_percent_against_one_is_caught() -> None:
    assert alarm_share(0.05, requests_per_look=200, share=0.1, alpha=0.05, repetitions=200) > 0.9


def test_no_data_is_its_own_outcome_and_never_good() -> None:
    for stable, candidate in [(0, 0), (1000, 0), (0, 1000)]:
        judgement = judge_errors(counts(stable), counts(candidate), alpha=0.05, min_samples=1)
        assert (judgement.verdict, judgement.e_value) == (Verdict.NO_DATA, None)


def test_few_samples_hold_and_enough_advance() -> None:
    assert judge_errors(counts(9000, 90), counts(299, 3), min_samples=300).verdict is Verdict.HOLD
    assert judge_errors(counts(299, 3), counts(9000, 90), min_samples=300).verdict is Verdict.HOLD
    assert judge_errors(counts(9000, 90), counts(300, 3), min_samples=300).verdict is Verdict.ADVANCE


def test_harm_needs_no_minimum_and_says_its_numbers() -> None:
    judgement = judge_errors(counts(900, 0), counts(100, 20), alpha=0.01, min_samples=10_000)
    assert judgement.verdict is Verdict.ROLLBACK
    assert "20.00 % (20 of 100)" in judgement.reason
    assert judgement.e_value is not None
    assert judgement.e_value >= 100


@pytest.mark.parametrize("broken", [counts(10, 11), counts(-1), counts(5, -1)])
def test_impossible_counts_are_an_error_not_a_verdict_on_the_model(broken: Counts) -> None:
    assert judge_errors(broken, counts(10)).verdict is Verdict.ERROR
    assert judge_errors(counts(10), broken).verdict is Verdict.ERROR


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.floats(0, 1), st.floats(0, 1))
def test_the_e_value_is_a_number_for_all_counts(stable: int, candidate: int, s_share: float, c_share: float) -> None:
    value = error_e_value(counts(stable, int(stable * s_share)), counts(candidate, int(candidate * c_share)))
    assert value >= 0


def test_the_e_value_is_a_fair_bet_when_both_fail_alike() -> None:
    """Given n errors, the mean of the e-value over where they fall is 1: the definition, by exact enumeration."""
    for n in (1, 5, 40):
        mean = sum(binom.pmf(k, n, 0.2) * error_e_value(counts(8000, n - k), counts(2000, k)) for k in range(n + 1))
        assert mean == pytest.approx(1)
