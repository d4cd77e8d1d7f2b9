"""The truth of a simulated rollout: how often both versions fail, how fast they are, what they predict."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import lognorm

from serving.judge.betting import Counts, Floats
from serving.judge.measures import Disagreement, Drift, Exceedance, Measure

LATENCY_BOUNDS_MS: tuple[float, ...] = tuple(round(float(bound), 2) for bound in np.geomspace(1, 200, 40))
"""Of the histograms, a sixth apart: about as fine as the gateway's around the goal."""
NUM_SCORE_BINS = 10
MEDIAN_MS = 10.0
LATENCY_SIGMA = 0.3
"""Of the logarithm: the slowest of a hundred takes twice the median."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Requests are independent of each other; the candidate differs from the stable version as stated."""

    requests_per_second: float = 50.0
    error_rate: float = 0.01
    """Share of the stable version's requests that fail."""
    candidate_error_rate: float | None = None
    """None: the same."""
    tail_share: float = 0.0
    """Share of the candidate's requests that take `tail_factor` times as long; the others are as fast as ever."""
    tail_factor: float = 4.0

    def __post_init__(self) -> None:
        assert self.requests_per_second > 0, f"requests must come (got {self.requests_per_second} a second)"
        rates = (self.error_rate, self.worse_error_rate, self.tail_share)
        assert all(0 <= rate < 1 for rate in rates), f"rates are shares (got {rates})"

    @property
    def worse_error_rate(self) -> float:
        """The candidate's."""
        return self.error_rate if self.candidate_error_rate is None else self.candidate_error_rate

    def chances(self, measure: Measure) -> Floats:
        """[2, bins] how likely a request of either version is to fall into a bin of the measure."""
        assert not isinstance(measure, Disagreement), "there are no pairs without a mirror of the traffic"
        if isinstance(measure, Drift):
            return np.full((2, NUM_SCORE_BINS), 1 / NUM_SCORE_BINS)
        if isinstance(measure, Exceedance):
            return np.stack(
                [latency_chances(0.0, self.tail_factor), latency_chances(self.tail_share, self.tail_factor)]
            )
        rates = np.array([self.error_rate, self.worse_error_rate])
        return np.stack([1 - rates, rates], axis=-1)


def latency_chances(tail_share: float, tail_factor: float) -> Floats:
    """[bounds + 1] chances of a lognormal latency, a share of which takes some times as long."""
    bounds = np.array(LATENCY_BOUNDS_MS)
    usual = lognorm.cdf(bounds, LATENCY_SIGMA, scale=MEDIAN_MS)
    slow = lognorm.cdf(bounds, LATENCY_SIGMA, scale=MEDIAN_MS * tail_factor)
    below = (1 - tail_share) * usual + tail_share * slow
    return np.asarray(np.diff(below, prepend=0.0, append=1.0), dtype=np.float64)


def draw(random: np.random.Generator, requests: Counts, chances: Floats) -> Counts:
    """[rollouts, 2, bins] counts of [rollouts, 2] requests."""
    return np.stack([random.multinomial(requests[:, arm], chances[arm]) for arm in (0, 1)], axis=1).astype(np.int64)
