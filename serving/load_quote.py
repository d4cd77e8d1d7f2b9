"""Which percentiles a run may quote: enough requests for an interval around them, and a generator that kept its time.

The interval is that of order statistics: it assumes nothing about how latencies are distributed, only that requests
are independent. Those of one busy second are not, so a run is repeated before it is believed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """A percentile of all the requests that might have been sent; None throughout where it may not be quoted."""

    value_ms: float | None
    low_ms: float | None
    """With `high_ms` the 95 % interval."""
    high_ms: float | None
    refusal: str | None
    """Why it is not quoted; None where it is."""


def quote(latency_ms: NDArray[np.float64], percent: float, lateness: str | None) -> Quote:
    """The percentile and its interval.

    Args:
        latency_ms: of all requests of the run.
        percent: e.g. 99.
        lateness: why the generator's own delays spoil the run; None where they do not.
    """
    if lateness is not None:
        return _refused("the load generator was late")
    ranks = interval_ranks(len(latency_ms), percent)
    if ranks is None:
        return _refused(f"{len(latency_ms)} requests; {fewest_requests(percent)} are needed")
    ordered = np.sort(latency_ms)
    value = float(np.percentile(ordered, percent, method="higher"))
    return Quote(value_ms=value, low_ms=float(ordered[ranks[0]]), high_ms=float(ordered[ranks[1]]), refusal=None)


def interval_ranks(num_requests: int, percent: float) -> tuple[int, int] | None:
    """Positions, from 0, of the two sorted latencies that hold the percentile between them in 95 of 100 runs.

    None where the requests are too few for one on each side.
    """
    share, tail = percent / 100, (1 - CONFIDENCE) / 2
    if num_requests == 0:
        return None
    low = int(binom.ppf(tail, num_requests, share)) - 1
    high = int(binom.ppf(1 - tail, num_requests, share))
    return (low, high) if low >= 0 and high < num_requests else None


def fewest_requests(percent: float) -> int:
    """From how many requests on a percentile is quoted."""
    share, tail = percent / 100, (1 - CONFIDENCE) / 2
    return int(np.ceil(np.log(tail) / np.log(max(share, 1 - share))))


def _refused(why: str) -> Quote:
    return Quote(value_ms=None, low_ms=None, high_ms=None, refusal=why)
