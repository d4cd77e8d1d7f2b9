"""Small experiments with known truth: what an anytime-valid bet costs and saves beside what is commonly done.

Each mirrors one of the reference figures: repeated looks at error rates, latencies of which only the tail got slower,
a stability index without drift, and a split that is not as asked.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.stats import fisher_exact

from model.progress import Progress, silent
from serving.judge.betting import Counts, Floats, log_wealth, one_sample_log_bets, settle, two_sample_log_bets
from serving.judge.margins import index_cutoff, stability_index
from serving.part import Part
from serving.simulation.naive import limit_exceeded, pooled_z_exceeds, ranks_higher
from serving.simulation.world import LATENCY_SIGMA, MEDIAN_MS

Row = TypeVar("Row", bound=Part)

NUM_LOOKS = 20
CANDIDATE_SHARE = 0.1
STABLE_ERROR_RATE = 0.01
ALPHA = 0.05


class LooksRow(Part):
    """Alarms in 20 looks at error rates; the stable version fails 1 % and has nine tenths of the traffic."""

    candidate_error_rate: float
    requests_per_look: int
    z_test: float
    """Share of rollouts that a z-test at 5 % condemns at some look."""
    fixed_limit: float
    """The same of "success below 98 % in more than 3 windows"."""
    anytime: float
    """The same of the e-value at alpha 5 %."""
    anytime_median_look: float | None
    """Of those that it condemns; None where it condemns fewer than half."""


class TailRow(Part):
    """Power at alpha 5 %, one look, when 3 % of the candidate's requests take four times as long."""

    candidate_requests: int
    mann_whitney: float
    exceedance: float
    """Of the p99 of both versions together, by Fisher's exact test."""
    anytime: float
    """The same counts, by the e-value."""


class IndexRow(Part):
    """The population stability index without any drift, ten bins, samples of the same size."""

    requests: int
    mean: float
    above_a_tenth: float
    above_cutoff: float
    """Share of samples above the cut-off for their size, which is made for 5 %."""


class SplitRow(Part):
    """Requests until a split that is not 10 % is found, alpha 1 %, a look every 20 requests."""

    observed_percent: float
    median_requests: float | None
    found: float
    """Share of repetitions in which it is, within 20,000 requests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Looks:
    bad: Counts
    """[repetitions, looks, 2]"""
    requests: Counts


def looks_row(candidate_error_rate: float, requests_per_look: int, repetitions: int, seed: int) -> LooksRow:
    """Alarms of three rules on the same counts."""
    counted = _counted(candidate_error_rate, requests_per_look, repetitions, seed)
    bad, requests = counted.bad.cumsum(1), counted.requests.cumsum(1)
    e_value = _wealth(counted)
    alarm = e_value >= np.log(1 / ALPHA)
    first = np.where(alarm.any(1), alarm.argmax(1) + 1, np.inf)
    median = float(np.median(first))
    return LooksRow(
        candidate_error_rate=candidate_error_rate,
        requests_per_look=requests_per_look,
        z_test=float(pooled_z_exceeds(bad, requests, ALPHA).any(1).mean()),
        fixed_limit=float(limit_exceeded(counted.bad[..., 1], counted.requests[..., 1]).mean()),
        anytime=float(alarm.any(1).mean()),
        anytime_median_look=median if np.isfinite(median) else None,
    )


def tail_row(candidate_requests: int, repetitions: int, seed: int) -> TailRow:
    """Power of three tests on the same latencies; the baseline is nine times as large."""
    random = np.random.default_rng(seed)
    found = np.zeros((repetitions, 3), dtype=np.bool_)
    for repetition in range(repetitions):
        stable = random.lognormal(np.log(MEDIAN_MS), LATENCY_SIGMA, 9 * candidate_requests)
        candidate = random.lognormal(np.log(MEDIAN_MS), LATENCY_SIGMA, candidate_requests)
        candidate[random.random(candidate_requests) < 0.03] *= 4
        limit = np.quantile(np.concatenate([stable, candidate]), 0.99)
        bad = np.array([(stable > limit).sum(), (candidate > limit).sum()])
        requests = np.array([len(stable), len(candidate)])
        exact = fisher_exact([[bad[1], requests[1] - bad[1]], [bad[0], requests[0] - bad[0]]], alternative="greater")
        e_value = log_wealth(two_sample_log_bets(bad, requests, "more"))
        found[repetition] = (
            ranks_higher(stable, candidate, ALPHA),
            exact.pvalue < ALPHA,
            e_value >= np.log(1 / ALPHA),
        )
    ranks, exceedance, anytime = (float(share) for share in found.mean(0))
    return TailRow(candidate_requests=candidate_requests, mann_whitney=ranks, exceedance=exceedance, anytime=anytime)


def index_row(requests: int, repetitions: int, seed: int) -> IndexRow:
    """How large the index is by chance."""
    random = np.random.default_rng(seed)
    bins = random.multinomial(requests, np.full(10, 0.1), size=(repetitions, 2)).astype(np.int64)
    index = stability_index(bins)
    return IndexRow(
        requests=requests,
        mean=float(index.mean()),
        above_a_tenth=float((index > 0.1).mean()),
        above_cutoff=float((index > index_cutoff(bins, 0.05)).mean()),
    )


def split_row(observed_percent: float, repetitions: int, seed: int) -> SplitRow:
    """How soon a wrong split is found."""
    random = np.random.default_rng(seed)
    candidate = random.binomial(20, observed_percent / 100, size=(repetitions, 1000)).astype(np.int64)
    total = candidate.cumsum(1)
    everyone = np.broadcast_to(np.arange(20, 20_020, 20), total.shape)
    wealth = np.stack(
        [log_wealth(one_sample_log_bets(k, n, 0.1, "both")) for k, n in zip(total, everyone, strict=True)]
    )
    alarm = wealth >= np.log(1 / 0.01)
    first = np.where(alarm.any(1), (alarm.argmax(1) + 1) * 20.0, np.inf)
    median = float(np.median(first))
    return SplitRow(
        observed_percent=observed_percent,
        median_requests=median if np.isfinite(median) else None,
        found=float(alarm.any(1).mean()),
    )


class Reference(Part):
    """All of them."""

    looks: tuple[LooksRow, ...]
    tail: tuple[TailRow, ...]
    index: tuple[IndexRow, ...]
    split: tuple[SplitRow, ...]


LOOKS = ((0.01, 1000), (0.01, 200), (0.01, 10_000), (0.02, 1000), (0.03, 1000), (0.05, 200), (0.02, 10_000))
TAILS = (300, 1000, 3000)
INDICES = (50, 100, 200, 500, 1000)
SPLITS = (10.0, 12.0, 15.0, 0.0)


def reference(*, repetitions: int, seed: int, progress: Progress = silent) -> Reference:
    """Run them all; the slower ones with fewer repetitions."""
    total = len(LOOKS) + len(TAILS) + len(INDICES) + len(SPLITS)
    done = iter(range(1, total + 1))

    def told(row: Row) -> Row:
        progress(next(done), total)
        return row

    return Reference(
        looks=tuple(told(looks_row(rate, size, repetitions, seed)) for rate, size in LOOKS),
        tail=tuple(told(tail_row(size, max(repetitions // 4, 100), seed)) for size in TAILS),
        index=tuple(told(index_row(size, repetitions, seed)) for size in INDICES),
        split=tuple(told(split_row(percent, max(repetitions // 4, 100), seed)) for percent in SPLITS),
    )


def _counted(candidate_error_rate: float, requests_per_look: int, repetitions: int, seed: int) -> _Looks:
    random = np.random.default_rng(seed)
    candidate = random.binomial(requests_per_look, CANDIDATE_SHARE, size=(repetitions, NUM_LOOKS))
    requests = np.stack([requests_per_look - candidate, candidate], axis=-1).astype(np.int64)
    bad = random.binomial(requests, [STABLE_ERROR_RATE, candidate_error_rate]).astype(np.int64)
    return _Looks(bad=bad, requests=requests)


def _wealth(counted: _Looks) -> Floats:
    """[repetitions, looks] logarithm of the e-value, in blocks as a verdict cuts them."""
    bins = np.stack([counted.requests - counted.bad, counted.bad], axis=-1)
    carried = np.zeros_like(bins[:, 0])
    bets: list[Floats] = []
    for look in range(NUM_LOOKS):
        block, carried = settle(carried, bins[:, look])
        bets.append(two_sample_log_bets(block[..., 1], block.sum(-1), "more"))
    return log_wealth(np.cumsum(np.stack(bets, axis=1), axis=1))
