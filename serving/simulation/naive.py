"""What others do at each look, to compare with: tests for one look that are looked at many times, and fixed limits."""

import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu, norm

from serving.judge.betting import Counts, Floats

Bools = npt.NDArray[np.bool_]


def pooled_z_exceeds(bad: Counts, requests: Counts, alpha: float) -> Bools:
    """[...] whether a z-test for two shares calls the candidate worse at one-sided alpha.

    Args:
        bad: [..., 2] requests that ended badly, of the stable version and of the candidate.
        requests: [..., 2] all of them.
        alpha: of one look.
    """
    share = bad / np.maximum(requests, 1)
    pooled = bad.sum(-1) / np.maximum(requests.sum(-1), 1)
    variance = pooled * (1 - pooled) * (1 / np.maximum(requests, 1)).sum(-1)
    away = share[..., 1] - share[..., 0]
    z = np.divide(away, np.sqrt(variance), out=np.zeros_like(away), where=variance > 0)
    return np.asarray((requests.min(-1) > 0) & (z > norm.ppf(1 - alpha)))


def limit_exceeded(bad: Counts, requests: Counts, *, least_success: float = 0.98, failures: int = 3) -> Bools:
    """[...] whether more than so many of [..., windows] have too few successes: the rule of an analysis template."""
    success = 1 - bad / np.maximum(requests, 1)
    return np.asarray((success < least_success).sum(-1) > failures)


def ranks_higher(stable: Floats, candidate: Floats, alpha: float) -> Bools:
    """[...] whether the test of Mann and Whitney calls the candidate's [..., n] latencies the higher ones."""
    p = mannwhitneyu(candidate, stable, axis=-1, alternative="greater", method="asymptotic").pvalue
    return np.asarray(p < alpha)
