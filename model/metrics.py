"""How good scores are: a number with its bootstrap interval, and the interval of a difference on the same rows.

Every metric takes optional weights [..., n] and answers [...]; a bootstrap resample is a row of counts, so that one
call answers all resamples. A metric that is undefined for some weights (one class only) is NaN there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]]
Metric = Callable[[Values, Values, Floats], Floats]
"""(label, score, weights [..., n]) -> [...]; label and score are [n], or [n, k] where an answer has several numbers."""
_CHUNK_NUMBERS = 20_000_000
_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A value and the 95 % percentile interval of its bootstrap."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def auroc(label: Values, score: Values, weights: Floats | None = None) -> Floats:
    """Chance that a positive outranks a negative, ties counting half; NaN without both classes."""
    w = _weights(label, weights)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)
    positive = label[order] > 0.5
    positives = np.add.reduceat(w[..., order] * positive, starts, axis=-1)
    negatives = np.add.reduceat(w[..., order] * ~positive, starts, axis=-1)
    below = np.cumsum(negatives, axis=-1) - negatives
    wins = (positives * (below + negatives / 2)).sum(axis=-1)
    return _divide(wins, positives.sum(axis=-1) * negatives.sum(axis=-1))


def mae(label: Values, score: Values, weights: Floats | None = None) -> Floats:
    """Mean absolute error, over all numbers of an answer."""
    return _mean(np.abs(label - score), _weights(label, weights))


def log_loss(label: Values, probability: Values, weights: Floats | None = None) -> Floats:
    """Mean negative log-likelihood in nats, over all yes-or-no classes of an answer; see `_inside`."""
    p = _inside(probability)
    return _mean(-np.where(label > 0.5, np.log(p), np.log1p(-p)), _weights(label, weights))


def class_log_loss(label: Values, probability: Values, weights: Floats | None = None) -> Floats:
    """The same for one class out of k: `label` [n] is its position, -1 for none of them, `probability` [n, k].

    A class that is none of them was given the least probability.
    """
    place = label.astype(np.int64)
    p = np.where(place >= 0, probability[np.arange(len(place)), place], 0.0)
    return _mean(-np.log(_inside(p)), _weights(label, weights))


def accuracy(label: Values, probability: Values, weights: Floats | None = None) -> Floats:
    """Share of rows whose likeliest class, of `probability` [n, k], is the one at `label` [n]."""
    likeliest = probability.argmax(axis=-1) if len(probability) else np.zeros(0, np.int64)
    return _mean((likeliest == label).astype(np.float64), _weights(label, weights))


def macro_auroc(label: Values, score: Values, weights: Floats | None = None) -> Floats:
    """Mean AUROC of each class against all others, of the classes that both occur and do not; NaN without such a one.

    Args:
        label: [n] positions (-1: none of the classes), or [n, k] of 0 and 1.
        score: [n, k].
        weights: [..., n].
    """
    w = _weights(label, weights)
    is_class = label if label.ndim == 2 else (label[:, None] == np.arange(score.shape[1])).astype(np.float64)
    each = np.stack([auroc(is_class[:, k], score[:, k], w) for k in range(score.shape[1])], axis=-1)
    known = ~np.isnan(each)
    return _divide(np.where(known, each, 0.0).sum(axis=-1), known.sum(axis=-1))


def average_precision_at_k(num_positives: Values, is_hit: npt.NDArray[np.bool_]) -> Floats:
    """[n] of each row: the precision at the place of every hit, summed, / the most hits that k places can have.

    Args:
        num_positives: [n] how many items are right; NaN where there is none.
        is_hit: [n, k] whether each place of the ranking, best first, holds a right one.
    """
    hits = is_hit.astype(np.float64)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return _divide((precision * hits).sum(axis=1), np.minimum(num_positives, hits.shape[1]).astype(np.float64))


def recall_at_k(num_positives: Values, is_hit: npt.NDArray[np.bool_]) -> Floats:
    """[n] of each row: the share of the right items that stand in the k places; NaN where there is none."""
    return _divide(is_hit.astype(np.float64).sum(axis=1), num_positives.astype(np.float64))


def mean_score(label: Values, score: Values, weights: Floats | None = None) -> Floats:
    """Mean of scores that are qualities of their rows already, such as average precisions."""
    return _mean(score, _weights(label, weights))


def brier(label: Values, probability: Values, weights: Floats | None = None) -> Floats:
    """Mean squared error of probabilities."""
    return _mean(np.square(probability.astype(np.float64) - label), _weights(label, weights))


def calibration_error(label: Values, probability: Values, weights: Floats | None = None, num_bins: int = 15) -> Floats:
    """Expected calibration error over bins of equal width: mean |share of positives - mean probability|."""
    w = _weights(label, weights)
    of_bin = bin_of(probability, num_bins)[:, None] == np.arange(num_bins)
    gap = np.where(of_bin, (label - probability.astype(np.float64))[:, None], 0.0)
    return _divide(np.abs(w @ gap).sum(axis=-1), w.sum(axis=-1))


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBin:
    """One point of a reliability diagram; bins without rows are left out."""

    count: int
    mean_probability: float
    share_positive: float


def calibration_bins(label: Values, probability: Values, num_bins: int = 15) -> tuple[CalibrationBin, ...]:
    """Bins of equal width over [0, 1], lowest first."""
    place = bin_of(probability, num_bins)
    return tuple(
        CalibrationBin(
            count=int((place == one).sum()),
            mean_probability=float(probability[place == one].mean()),
            share_positive=float(label[place == one].mean()),
        )
        for one in np.unique(place)
    )


def bin_of(probability: Values, num_bins: int) -> npt.NDArray[np.int64]:
    """[n] bin in [0, num_bins); 1.0 belongs to the last."""
    place: npt.NDArray[np.int64] = np.minimum((probability * num_bins).astype(np.int64), num_bins - 1)
    return place


def bootstrap(
    metric: Metric, label: Values, scores: Mapping[str, Values], *, num_resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """The metric of each set of scores with its interval; all see the same resamples of the rows."""
    samples = _resampled(metric, label, scores, num_resamples, seed)
    return {name: _interval(samples[name], _plain(metric, label, score)) for name, score in scores.items()}


def bootstrap_difference(
    metric: Metric, label: Values, first: Values, second: Values, *, num_resamples: int = 1000, seed: int = 0
) -> Interval:
    """metric(first) - metric(second) with its paired interval."""
    samples = _resampled(metric, label, {"first": first, "second": second}, num_resamples, seed)
    value = _plain(metric, label, first) - _plain(metric, label, second)
    return _interval(samples["first"] - samples["second"], value)


def _resampled(
    metric: Metric, label: Values, scores: Mapping[str, Values], num_resamples: int, seed: int
) -> dict[str, Floats]:
    """[resamples] of each; resamples on which the metric is undefined are NaN."""
    rng = np.random.default_rng(seed)
    num_rows = len(label)
    at_once = max(1, _CHUNK_NUMBERS // max(num_rows, 1))
    parts: dict[str, list[Floats]] = {name: [] for name in scores}
    for start in range(0, num_resamples, at_once):
        drawn = rng.integers(num_rows, size=(min(at_once, num_resamples - start), num_rows))
        drawn += num_rows * np.arange(len(drawn))[:, None]
        counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
        for name, score in scores.items():
            parts[name].append(metric(label, score, counts))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _interval(samples: Floats, value: float) -> Interval:
    known = samples[~np.isnan(samples)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return Interval(value=value, low=float(low), high=float(high))


def _plain(metric: Metric, label: Values, score: Values) -> float:
    return float(metric(label, score, np.ones(len(label))))


def _weights(label: Values, weights: Floats | None) -> Floats:
    return np.ones(len(label)) if weights is None else weights


def _inside(probability: Values) -> Floats:
    """Probabilities kept 1e-7 away from 0 and 1."""
    inside: Floats = np.clip(probability.astype(np.float64), _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return inside


def _mean(values: Values, weights: Floats) -> Floats:
    """Weighted mean of values [n], or of the means of [n, k]."""
    each = values.astype(np.float64)
    return _divide(weights @ (each if each.ndim == 1 else each.mean(axis=1)), weights.sum(axis=-1))


def _divide(above: Floats, below: Floats) -> Floats:
    """NaN where `below` is 0."""
    result: Floats = np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
    return result
