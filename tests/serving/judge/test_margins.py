"""Bounds on how much worse the candidate may be: against other ways to compute them, and against what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm

from serving.judge import margins


@pytest.mark.parametrize(("share", "pairs"), [(0.05, 59), (0.02, 149), (0.01, 299), (0.005, 598), (0.001, 2995)])
def test_no_error_at_all_refutes_a_share_from_this_size_on(share: float, pairs: int) -> None:
    """The well-known sizes at which zero errors show, with 95 %, that a rate lies below the share."""
    none = np.array(0)
    assert margins.disagreement_p(none, np.array(pairs), share) <= 0.05
    assert margins.disagreement_p(none, np.array(pairs - 1), share) > 0.05
    assert margins.disagreement_bound(0, pairs, 0.05) <= share < margins.disagreement_bound(0, pairs - 1, 0.05)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 200), st.integers(0, 60), st.floats(0.002, 0.2))
def test_the_score_takes_its_variance_from_the_most_likely_rates(stable_bad: int, bad: int, margin: float) -> None:
    """The closed form against a search for the maximum of the likelihood."""
    n_stable, n_candidate = 2000, 300

    def minus_log_likelihood(candidate: float) -> float:
        stable = min(max(candidate - margin, 1e-12), 1 - 1e-12)
        return -float(
            binom.logpmf(bad, n_candidate, min(candidate, 1 - 1e-12)) + binom.logpmf(stable_bad, n_stable, stable)
        )

    found = minimize_scalar(minus_log_likelihood, bounds=(margin, 1), method="bounded", options={"xatol": 1e-10}).x
    variance = found * (1 - found) / n_candidate + (found - margin) * (1 - found + margin) / n_stable
    expected = float(norm.cdf((bad / n_candidate - stable_bad / n_stable - margin) / np.sqrt(variance)))
    got = float(margins.worse_by_margin_p(np.array([stable_bad, bad]), np.array([n_stable, n_candidate]), margin))
    assert got == pytest.approx(expected, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("sizes", [(2700, 300), (300, 300), (9000, 1000)])
@pytest.mark.parametrize("rate", [0.0005, 0.005, 0.05])
@pytest.mark.parametrize("margin", [0.005, 0.02])
def test_worse_by_the_margin_passes_no_more_often_than_stated(
    sizes: tuple[int, int], rate: float, margin: float
) -> None:
    """By exact enumeration, at levels as small as late looks have them."""
    stable = np.arange(int(binom.ppf(1 - 1e-10, sizes[0], rate)) + 1)
    candidate = np.arange(int(binom.ppf(1 - 1e-10, sizes[1], rate + margin)) + 1)
    bad = np.stack(np.meshgrid(stable, candidate, indexing="ij"), axis=-1)
    chance = binom.pmf(stable, sizes[0], rate)[:, None] * binom.pmf(candidate, sizes[1], rate + margin)[None]
    p = margins.worse_by_margin_p(bad, np.broadcast_to(sizes, bad.shape), margin)
    for alpha in (0.05, 0.01, 0.001, 0.0001):
        assert chance[p <= alpha].sum() <= 1.1 * alpha


@given(st.integers(0, 100), st.integers(0, 30), st.floats(0.001, 0.3), st.floats(0.0001, 0.2))
def test_bound_and_p_value_say_the_same(stable_bad: int, bad: int, margin: float, alpha: float) -> None:
    counts, requests = np.array([stable_bad, bad]), np.array([2700, 300])
    bound = margins.upper_bound(counts, requests, alpha)
    passes = float(margins.worse_by_margin_p(counts, requests, margin)) <= alpha
    assert passes == (bound <= margin) or margin == pytest.approx(bound, abs=1e-6)


def test_looks_share_alpha_and_never_spend_more() -> None:
    spent = margins.look_share(np.arange(1, 10_000)).sum()
    assert 0.999 < spent < 1
    assert margins.look_share(1) == 0.5


def test_more_requests_are_asked_for_when_and_only_when_they_would_help() -> None:
    counts, requests = np.array([27, 3]), np.array([2700, 300])
    needed = margins.samples_for_margin(counts, requests, 0.01, 0.05)
    assert needed is not None
    grown = needed // 300 + 1
    assert margins.worse_by_margin_p(counts * grown, requests * grown, 0.01) < 0.05
    assert margins.samples_for_margin(np.array([27, 30]), requests, 0.01, 0.05) is None


@pytest.mark.parametrize(
    ("requests", "cutoff"), [(50, 0.677), (100, 0.338), (200, 0.169), (500, 0.068), (1000, 0.034), (5000, 0.007)]
)
def test_cut_offs_of_the_index_are_the_reference_figures(requests: int, cutoff: float) -> None:
    bins = np.full((2, 10), requests // 10)
    assert float(margins.index_cutoff(bins, 0.05)) == pytest.approx(cutoff, abs=5e-4)


def test_drift_by_the_margin_passes_no_more_often_than_about_stated() -> None:
    """The chi-square holds for small drifts and many requests; this is what it is good for at the default margin."""
    random = np.random.default_rng(5)
    base = np.full(10, 0.1)
    tilted = base * np.exp(0.1004 * np.arange(-4.5, 5.5))
    tilted /= tilted.sum()
    margin = float(((tilted - base) * np.log(tilted / base)).sum())
    assert margin == pytest.approx(0.08, abs=0.01)
    for requests in (500, 2000):
        bins = np.stack([random.multinomial(requests, chances, size=4000) for chances in (base, tilted)], axis=1)
        assert (margins.drifted_by_margin_p(bins, margin) <= 0.01).mean() < 0.02


def test_no_drift_passes_with_enough_requests_and_says_how_many() -> None:
    few = np.array([[12, 18, 15, 14, 16, 19, 11, 15, 13, 17], [17, 13, 16, 12, 18, 14, 15, 13, 18, 14]])
    many = np.round(np.full((2, 10), 200) + (few - 15) * np.sqrt(200 / 15)).astype(np.int64)
    assert margins.drifted_by_margin_p(few, 0.1) > 0.01 > margins.drifted_by_margin_p(many, 0.1)
    needed = margins.samples_for_index(few, 0.1, 0.01)
    assert needed is not None
    assert 150 < needed < 2000
    assert margins.index_upper_bound(few, 0.01) > 0.1 > margins.index_upper_bound(many, 0.01)


def test_a_drift_beyond_the_margin_needs_no_more_requests() -> None:
    assert margins.samples_for_index(np.array([[900, 100], [100, 900]]), 0.1, 0.01) is None
