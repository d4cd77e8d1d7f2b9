"""A metric of the plan -> what is counted for it, how it is bet on, and when it is good enough.

Everything is vectorised over leading axes, so that a verdict and a simulation of thousands share the same code.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from serving.judge import margins
from serving.judge.betting import (
    Counts,
    Floats,
    Side,
    log_wealth_of_steps,
    one_sample_log_bets,
    settle,
    two_sample_log_bets,
)
from serving.judge.bins import beyond_each_bound, beyond_quantile, histogram_bins, merge_bins, quantile_position
from serving.judge.evidence import Arm, Histogram, Window
from serving.judge.plan import OUTCOMES, QUANTILES, Direction, Metric


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure(ABC):
    """What there is to know about a metric; counts are [..., versions, bins], the candidate's last."""

    metric: Metric

    @abstractmethod
    def counts(self, window: Window) -> Counts:
        """[versions, bins] of a window in which the metric's signal is present."""

    @abstractmethod
    def log_bets(self, block: Counts) -> Floats:
        """[..., bets] logarithms of the factors by which bets on harm grow with a block."""

    @abstractmethod
    def worse_by(self, total: Counts) -> Floats:
        """[...] how much worse the candidate is seen to be, in the margin's unit."""

    @abstractmethod
    def worse_by_margin_p(self, total: Counts) -> Floats:
        """[...] p-value of "worse by the margin or more"."""

    @abstractmethod
    def upper_bound(self, total: Counts, alpha: float) -> float:
        """How much worse it may be, with confidence 1 - alpha."""

    @abstractmethod
    def samples_needed(self, total: Counts, alpha: float) -> int | None:
        """Requests of the candidate in the step with which it would pass, as things stand; None: never."""

    @abstractmethod
    def words(self, total: Counts) -> str:
        """Both versions in numbers."""

    def log_e_path(self, counts: Counts, asked_percent: Floats) -> Floats:
        """[windows] logarithm of the highest e-value so far.

        Args:
            counts: [windows, versions, bins], at least one window.
            asked_percent: [windows]; no block lies on both sides of a change of weights.
        """
        changed = np.flatnonzero(np.diff(asked_percent, prepend=np.nan) != 0)
        carried = np.zeros_like(counts[0])
        wealth = np.zeros((len(changed), self.log_bets(carried).shape[-1]))
        path = np.zeros(len(counts))
        started = 0
        for position, window in enumerate(counts):
            if position in changed:
                started, carried = started + 1, np.zeros_like(carried)
            block, carried = settle(carried, window)
            wealth[:started] += self.log_bets(block)
            path[position] = log_wealth_of_steps(wealth, np.array(started))
        return np.maximum.accumulate(np.maximum(path, 0.0))

    @property
    def _side(self) -> Side:
        return "both" if self.metric.worse is Direction.UNCHANGED else "more"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share(Measure):
    """A share of the requests; what is bad about them is counted, whichever way the metric reads."""

    @abstractmethod
    def bad(self, total: Counts) -> Counts:
        """[..., 2] requests that ended badly."""

    @override
    def log_bets(self, block: Counts) -> Floats:
        return two_sample_log_bets(self.bad(block), block.sum(-1), self._side)

    @override
    def worse_by(self, total: Counts) -> Floats:
        worse = margins.difference(self.bad(total), total.sum(-1))
        return np.asarray(np.abs(worse) if self.metric.worse is Direction.UNCHANGED else worse, dtype=np.float64)

    @override
    def worse_by_margin_p(self, total: Counts) -> Floats:
        bad, requests = self.bad(total), total.sum(-1)
        p = margins.worse_by_margin_p(bad, requests, self.metric.limit)
        if self.metric.worse is Direction.UNCHANGED:
            p = np.maximum(p, margins.worse_by_margin_p(requests - bad, requests, self.metric.limit))
        return p

    @override
    def upper_bound(self, total: Counts, alpha: float) -> float:
        bad, requests = self.bad(total), total.sum(-1)
        bound = margins.upper_bound(bad, requests, alpha)
        if self.metric.worse is Direction.UNCHANGED:
            return max(bound, margins.upper_bound(requests - bad, requests, alpha))
        return bound

    @override
    def samples_needed(self, total: Counts, alpha: float) -> int | None:
        bad, requests = self.bad(total), total.sum(-1)
        return margins.samples_for_margin(bad, requests, self.metric.limit, alpha)

    @override
    def words(self, total: Counts) -> str:
        stable, candidate = (
            f"{100 * bad / max(requests, 1):.2f} % ({bad:,} of {requests:,})"
            for bad, requests in zip(self.bad(total).tolist(), total.sum(-1).tolist(), strict=True)
        )
        return f"candidate {candidate}, stable {stable}"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeShare(_Share):
    """Requests by how they ended: bins are [good, bad]."""

    @override
    def counts(self, window: Window) -> Counts:
        return np.array([self._good_and_bad(window.stable), self._good_and_bad(window.candidate)], dtype=np.int64)

    def _good_and_bad(self, arm: Arm) -> tuple[int, int]:
        counted = arm.count(*OUTCOMES[self.metric.name])
        rest = arm.requests - counted
        return (counted, rest) if self.metric.name == "answered" else (rest, counted)

    @override
    def bad(self, total: Counts) -> Counts:
        return total[..., 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exceedance(_Share):
    """Requests beyond the bound nearest to a quantile of both versions together."""

    upper_bounds: tuple[float, ...]
    """Of the histogram, milliseconds."""

    @override
    def counts(self, window: Window) -> Counts:
        return np.stack([histogram_bins(_held(arm.latency_ms)) for arm in (window.stable, window.candidate)])

    @override
    def bad(self, total: Counts) -> Counts:
        return beyond_quantile(total, QUANTILES[self.metric.name])

    @override
    def words(self, total: Counts) -> str:
        bound = self.upper_bounds[int(quantile_position(total, QUANTILES[self.metric.name]))]
        return f"{_Share.words(self, total)} above {bound:g} ms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift(Measure):
    """Distributions of the scores: bets on every bound and either way; how much by the stability index."""

    @override
    def counts(self, window: Window) -> Counts:
        return np.stack([histogram_bins(_held(arm.scores)) for arm in (window.stable, window.candidate)])

    @override
    def log_bets(self, block: Counts) -> Floats:
        requests = np.broadcast_to(block.sum(-1)[..., None, :], (*block.shape[:-2], block.shape[-1] - 1, 2))
        bets = two_sample_log_bets(beyond_each_bound(block), requests, "both")
        return bets.reshape(*block.shape[:-2], -1)

    @override
    def worse_by(self, total: Counts) -> Floats:
        bins = _ten(total)
        noise = (bins.shape[-1] - 1) * margins.index_noise(bins)
        return np.asarray(np.maximum(margins.stability_index(bins) - noise, 0.0), dtype=np.float64)

    @override
    def worse_by_margin_p(self, total: Counts) -> Floats:
        return margins.drifted_by_margin_p(_ten(total), self.metric.limit)

    @override
    def upper_bound(self, total: Counts, alpha: float) -> float:
        return margins.index_upper_bound(_ten(total), alpha)

    @override
    def samples_needed(self, total: Counts, alpha: float) -> int | None:
        return margins.samples_for_index(_ten(total), self.metric.limit, alpha)

    @override
    def words(self, total: Counts) -> str:
        bins = _ten(total)
        index, chance = float(margins.stability_index(bins)), float(margins.index_cutoff(bins, 0.05))
        return f"stability index {index:.3f}, below {chance:.3f} in 95 % of samples of this size without any drift"


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement(Measure):
    """Pairs of answers to the same request: [1, (agree, disagree)]."""

    @override
    def counts(self, window: Window) -> Counts:
        assert window.pairs is not None, "only windows with pairs are counted"
        compared, disagreed = window.pairs.compared, window.pairs.disagreed
        return np.array([[compared - disagreed, disagreed]], dtype=np.int64)

    @override
    def log_bets(self, block: Counts) -> Floats:
        return one_sample_log_bets(block[..., 0, 1], block[..., 0, :].sum(-1), self.metric.limit, "more")

    @override
    def worse_by(self, total: Counts) -> Floats:
        return np.asarray(total[..., 0, 1] / np.maximum(total[..., 0, :].sum(-1), 1), dtype=np.float64)

    @override
    def worse_by_margin_p(self, total: Counts) -> Floats:
        return margins.disagreement_p(total[..., 0, 1], total[..., 0, :].sum(-1), self.metric.limit)

    @override
    def upper_bound(self, total: Counts, alpha: float) -> float:
        return margins.disagreement_bound(int(total[0, 1]), int(total[0].sum()), alpha)

    @override
    def samples_needed(self, total: Counts, alpha: float) -> int | None:
        return margins.samples_for_disagreement(int(total[0, 1]), int(total[0].sum()), self.metric.limit, alpha)

    @override
    def words(self, total: Counts) -> str:
        compared, disagreed = int(total[0].sum()), int(total[0, 1])
        return f"{100 * disagreed / max(compared, 1):.2f} % ({disagreed:,} of {compared:,}) of the pairs disagree"


def measure_of(metric: Metric, latency_bounds_ms: tuple[float, ...] = ()) -> Measure:
    """What the metric measures.

    Args:
        metric: one of the plan's.
        latency_bounds_ms: of the latency histograms, where there are any.
    """
    if metric.name in OUTCOMES:
        return OutcomeShare(metric=metric)
    if metric.name in QUANTILES:
        return Exceedance(metric=metric, upper_bounds=latency_bounds_ms)
    return Drift(metric=metric) if metric.name == "prediction_drift" else Disagreement(metric=metric)


def _held(histogram: Histogram | None) -> Histogram:
    assert histogram is not None, "only windows with the histogram are counted"
    return histogram


def _ten(total: Counts) -> Counts:
    """One evidence's bins joined to ten; a simulation's are ten from the start."""
    return merge_bins(total) if total.ndim == 2 and total.shape[-1] > 10 else total
