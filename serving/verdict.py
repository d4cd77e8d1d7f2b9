"""Counts of two versions side by side -> a verdict on the candidate, valid however often one looks.

Under "both fail alike" each error falls on the candidate with the candidate's share of the requests; the e-value
bets against that (Lindon and Malek, arXiv 2011.03567), so peeking spends nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, log

from scipy.special import betaincc, betaln


class Verdict(StrEnum):
    """What the evidence says; only ADVANCE may move weight towards the candidate."""

    ADVANCE = "advance"
    HOLD = "hold"
    ROLLBACK = "rollback"
    NO_DATA = "no_data"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Requests of one version since the last change of weights: with other weights, other shares."""

    requests: int
    errors: int
    """Server's errors (5xx, timeouts) among the requests; the caller's own mistakes (4xx) are not counted.

    But Triton answers JSON that it cannot parse with 500; such requests count, on both versions alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A verdict with its reason in words and numbers."""

    verdict: Verdict
    reason: str
    e_value: float | None
    """Evidence that the candidate fails more; 1 is none, 1 / alpha is enough. None where nothing can be computed."""


def judge_errors(stable: Counts, candidate: Counts, *, alpha: float = 0.01, min_samples: int = 300) -> Judgement:
    """Judge the candidate by where the errors fall.

    Args:
        stable: counts of the stable version over the same time.
        candidate: counts of the candidate.
        alpha: chance, over all looks together, of a ROLLBACK of a candidate that fails no more than the stable version.
        min_samples: requests that each of the two needs before ADVANCE; at 300 no error shows a rate below 1 %.
    """
    assert 0 < alpha < 1, f"alpha must lie between 0 and 1 (got {alpha})"
    assert min_samples > 0, f"min_samples must be positive (got {min_samples})"
    if impossible := _impossible(stable) or _impossible(candidate):
        return Judgement(verdict=Verdict.ERROR, reason=impossible, e_value=None)
    if not stable.requests or not candidate.requests:
        silent = "candidate" if not candidate.requests else "stable version"
        return Judgement(verdict=Verdict.NO_DATA, reason=f"the {silent} has answered no request", e_value=None)
    e_value = error_e_value(stable, candidate)
    facts = f"{_share(candidate)} of the candidate's requests failed, {_share(stable)} of the stable version's"
    bound = f"e-value {e_value:.3g}, limit {1 / alpha:.3g}"
    if e_value >= 1 / alpha:
        return Judgement(verdict=Verdict.ROLLBACK, reason=f"{facts}; {bound} reached", e_value=e_value)
    if min(stable.requests, candidate.requests) < min_samples:
        few = f"{facts}; {bound}; needs {min_samples} requests of each"
        return Judgement(verdict=Verdict.HOLD, reason=few, e_value=e_value)
    return Judgement(verdict=Verdict.ADVANCE, reason=f"{facts}; {bound}", e_value=e_value)


def error_e_value(stable: Counts, candidate: Counts) -> float:
    """Mixture likelihood ratio of "errors prefer the candidate" against "errors follow the requests".

    With `theta0` the candidate's observed share of requests, `k` of `n` errors on it, and a Beta(1, 1) prior cut to
    theta > theta0: the integral of theta^k (1 - theta)^(n - k) over the prior, divided by its value at theta0.
    """
    k, n = candidate.errors, candidate.errors + stable.errors
    theta0 = candidate.requests / (candidate.requests + stable.requests)
    upper_tail = float(betaincc(1 + k, 1 + n - k, theta0))
    if upper_tail <= 0.0:
        return 0.0
    mixture = float(betaln(1 + k, 1 + n - k)) + log(upper_tail) - log(1 - theta0)
    null = k * log(theta0) + (n - k) * log(1 - theta0)
    exponent = mixture - null
    return inf if exponent > 700 else exp(exponent)


def _impossible(counts: Counts) -> str:
    """What is wrong with the counts themselves; empty when nothing is."""
    if counts.requests < 0 or counts.errors < 0:
        return f"counts below zero cannot be (got {counts.requests} requests, {counts.errors} errors)"
    if counts.errors > counts.requests:
        return f"more errors than requests (got {counts.errors} of {counts.requests})"
    return ""


def _share(counts: Counts) -> str:
    return f"{100 * counts.errors / counts.requests:.2f} % ({counts.errors} of {counts.requests})"
