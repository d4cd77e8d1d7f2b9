"""Counts of a step -> whether the candidate is worse by less than the margin.

"No difference was found" is no evidence that there is none: to advance, "worse by the margin or more" must be refuted.
Of shares by the score test of Farrington and Manning (Statistics in Medicine 9, 1990), whose variance comes from the
rates that fit that hypothesis best; with rare errors it errs towards holding. Of drift by the noncentral chi-square.
The looks of a step share its alpha, the j-th takes alpha / (j (j + 1)): valid however many there will be.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, binom, chi2, ncx2, norm

from serving.judge.betting import Counts, Floats


def look_share(look: int | Counts) -> Floats:
    """Share of alpha that the j-th look at which a step could end may spend; they add up to 1."""
    j = np.asarray(look, dtype=np.float64)
    return np.asarray(1 / (j * (j + 1)))


def worse_by_margin_p(bad: Counts, requests: Counts, margin: float) -> Floats:
    """[...] p-value of "the candidate's share exceeds the stable version's by the margin or more".

    Args:
        bad: [..., 2] requests that ended badly, of the stable version and of the candidate.
        requests: [..., 2] all of them, at least one each.
        margin: -1 to 1.
    """
    return np.asarray(norm.cdf(_score(bad, requests, margin)), dtype=np.float64)


def difference(bad: Counts, requests: Counts) -> Floats:
    """[...] the candidate's share minus the stable version's."""
    share = bad / np.maximum(requests, 1)
    return np.asarray(share[..., 1] - share[..., 0], dtype=np.float64)


def upper_bound(bad: Counts, requests: Counts, alpha: float) -> float:
    """By how much the candidate's share may exceed the stable version's: the smallest margin that holds at alpha."""
    limit = float(norm.ppf(alpha))

    def excess(margin: float) -> float:
        return float(_score(bad, requests, margin)) - limit

    low, high = float(difference(bad, requests)), 1 - 1e-9
    return float(brentq(excess, low, high)) if low < high and excess(high) < 0 else 1.0


def samples_for_margin(bad: Counts, requests: Counts, margin: float, alpha: float, power: float = 0.8) -> int | None:
    """Requests of the candidate with which it would pass, if the rates stay as they are seen; None: never.

    The stable version's rate stands for both while the candidate's is lower, since luck does not last.
    """
    rates = (bad + 0.5) / (requests + 1)
    worse = max(float(difference(bad, requests)), 0.0)
    if worse >= margin:
        return None
    candidate = max(rates[1], rates[0]) if worse == 0 else rates[1]
    variance = candidate * (1 - candidate) + rates[0] * (1 - rates[0]) * requests[1] / requests[0]
    needed = (float(norm.ppf(1 - alpha)) + float(norm.ppf(power))) ** 2 * variance / (margin - worse) ** 2
    return int(np.ceil(needed))


def stability_index(bins: Counts) -> Floats:
    """[...] population stability index of [..., 2, bins]; half an observation is added where a bin is empty."""
    filled = bins + np.where((bins == 0).any((-1, -2), keepdims=True), 0.5, 0.0)
    share = filled / filled.sum(-1, keepdims=True)
    return np.asarray(((share[..., 1, :] - share[..., 0, :]) * np.log(share[..., 1, :] / share[..., 0, :])).sum(-1))


def index_noise(bins: Counts) -> Floats:
    """[...] 1 / n + 1 / m: without drift the index is this times a chi-square of bins - 1 degrees."""
    return np.asarray((1 / np.maximum(bins.sum(-1), 1)).sum(-1), dtype=np.float64)


def index_cutoff(bins: Counts, alpha: float) -> Floats:
    """[...] what the index exceeds with chance alpha when there is no drift at all."""
    return np.asarray(chi2.ppf(1 - alpha, bins.shape[-1] - 1) * index_noise(bins), dtype=np.float64)


def drifted_by_margin_p(bins: Counts, margin: float) -> Floats:
    """[...] p-value of "the true index is the margin or more", in the approximation for small drifts."""
    noise = index_noise(bins)
    p = ncx2.cdf(stability_index(bins) / noise, bins.shape[-1] - 1, margin / noise)
    return np.asarray(np.where((bins.sum(-1) > 0).all(-1), p, 1.0), dtype=np.float64)


def index_upper_bound(bins: Counts, alpha: float) -> float:
    """The largest true index that the observed one does not refute at alpha."""

    def excess(margin: float) -> float:
        return float(drifted_by_margin_p(bins, margin)) - alpha

    high = 1.0
    while excess(high) > 0 and high < 1e3:
        high *= 2
    return float(brentq(excess, 0.0, high)) if excess(0.0) > 0 > excess(high) else 0.0 if excess(0.0) <= 0 else high


def samples_for_index(bins: Counts, margin: float, alpha: float) -> int | None:
    """Requests of the candidate with which the drift would pass, if both versions go on as they do; None: never."""
    requests = bins.sum(-1)
    noise = float(index_noise(bins))
    true = max(float(stability_index(bins)) - (bins.shape[-1] - 1) * noise, 0.0)
    if true >= margin:
        return None
    growth = 1.0
    while _typical_index_p(true, margin, noise / growth, bins.shape[-1] - 1) > alpha:
        growth *= 1.1
    return int(np.ceil(requests[-1] * growth))


def _typical_index_p(true: float, margin: float, noise: float, degrees: int) -> float:
    """The p-value of a sample whose index is what is expected of it."""
    return float(ncx2.cdf((true + degrees * noise) / noise, degrees, margin / noise))


def disagreement_p(disagreed: Counts, compared: Counts, margin: float) -> Floats:
    """[...] p-value of "the margin or more of all pairs disagree": exact binomial."""
    return np.asarray(binom.cdf(disagreed, compared, margin), dtype=np.float64)


def disagreement_bound(disagreed: int, compared: int, alpha: float) -> float:
    """The largest share of pairs that may disagree, with confidence 1 - alpha (Clopper and Pearson)."""
    return float(beta.ppf(1 - alpha, disagreed + 1, compared - disagreed)) if disagreed < compared else 1.0


def samples_for_disagreement(disagreed: int, compared: int, margin: float, alpha: float) -> int | None:
    """Pairs with which the disagreement would pass, if its share stays; None: never."""
    share = disagreed / max(compared, 1)
    if share >= margin:
        return None
    pairs = max(compared, 1)
    while float(binom.cdf(np.round(share * pairs), pairs, margin)) > alpha:
        pairs = int(np.ceil(pairs * 1.1))
    return pairs


def _score(bad: Counts, requests: Counts, margin: float) -> Floats:
    """[...] standardised distance of the observed difference from the margin; far below zero refutes it."""
    stable, candidate = requests[..., 0].astype(np.float64), requests[..., 1].astype(np.float64)
    share = bad / requests
    fitted = _fitted_candidate_rate(share[..., 1], share[..., 0], stable / candidate, margin)
    fitted_stable = np.clip(fitted - margin, 0, 1)
    variance = fitted * (1 - fitted) / candidate + fitted_stable * (1 - fitted_stable) / stable
    away = share[..., 1] - share[..., 0] - margin
    known = variance > 0
    certain = np.where(away < 0, -np.inf, np.where(away > 0, np.inf, 0.0))
    return np.asarray(np.divide(away, np.sqrt(np.where(known, variance, 1.0)), out=certain, where=known))


def _fitted_candidate_rate(candidate: Floats, stable: Floats, ratio: Floats, margin: float) -> Floats:
    """Most likely rate of the candidate among those that exceed the stable version's by exactly the margin.

    The root of the cubic in the appendix of Farrington and Manning.
    """
    a = 1 + ratio
    b = -(1 + ratio + candidate + ratio * stable + margin * (ratio + 2))
    c = margin**2 + margin * (2 * candidate + ratio + 1) + candidate + ratio * stable
    d = -candidate * margin * (1 + margin)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.sign(np.where(v == 0, 1.0, v)) * np.sqrt(np.maximum((b / (3 * a)) ** 2 - c / (3 * a), 0))
    cosine = np.divide(v, u**3, out=np.ones_like(u), where=u != 0)
    w = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    root = 2 * u * np.cos(w) - b / (3 * a)
    return np.asarray(np.clip(root, max(margin, 0.0), min(1.0, 1 + margin)), dtype=np.float64)
