"""Counts -> evidence by betting: e-values that one may look at as often as one likes.

An e-value is the wealth of someone who bets against "the candidate is no worse" and starts with 1. If that is true the
wealth is not expected to grow, so the chance that it ever reaches 1 / alpha is at most alpha (Ville 1939), however
often and whenever one looks. All arrays are vectorised over their leading axes.

The bets. Of a block's requests, n ended badly, k of them the candidate's, and the candidate had a share theta of the
requests. Given these totals, and no difference between the versions, k is hypergeometric. Its moment generating
function lies below that of n draws with chance theta (Hoeffding 1963, theorem 4), and, by the same argument, below
that of the candidate's requests with the pooled rate; psi^k divided by the smaller of the two is therefore an e-value
for each odds ratio psi. It holds whatever the rate itself was in the block: traffic may change with the hour. Products
over blocks and averages over psi are e-values again. This is the test of Lindon and Malek (arXiv 2011.03567) for
shares that are observed and may change from block to block.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Side = Literal["more", "less", "both"]

BLOCK_REQUESTS = 20
"""A block has at least these of each version; in tiny ones, hardly anything is left to bet on. Cutting blocks by the
number of requests, and never by how they ended, keeps the bets fair."""
_UPWARD: Floats = 0.1 * 1.4 ** np.arange(12, dtype=np.float64)
"""Logarithms of the odds ratios that are bet on, 1.1 to 57: between two of them at most 3 % of the evidence is lost."""


def log_odds_ratios(side: Side) -> Floats:
    """[bets] what is bet on: that the candidate's odds are higher, lower, or either."""
    if side == "both":
        return np.concatenate([-_UPWARD[::-1], _UPWARD])
    return np.asarray(_UPWARD if side == "more" else -_UPWARD, dtype=np.float64)


def two_sample_log_bets(bad: Counts, requests: Counts, side: Side) -> Floats:
    """[..., bets] logarithm of the factor by which each bet grows.

    Args:
        bad: [..., 2] requests of a block that ended badly, of the stable version and of the candidate.
        requests: [..., 2] all of them.
        side: what is bet on.
    """
    all_bad, everyone = bad.sum(-1)[..., None], requests.sum(-1)[..., None]
    own_bad, own = bad[..., 1, None], requests[..., 1, None]
    eta = log_odds_ratios(side)
    share = np.divide(own, everyone, out=np.zeros(own.shape), where=everyone > 0)
    rate = np.divide(all_bad, everyone, out=np.zeros(own.shape), where=everyone > 0)
    grown = np.expm1(eta)
    bound = np.minimum(all_bad * np.log1p(share * grown), own * np.log1p(rate * grown))
    return np.asarray(own_bad * eta - bound, dtype=np.float64)


def one_sample_log_bets(hits: Counts, trials: Counts, chance: Floats | float, side: Side) -> Floats:
    """[..., bets] the same against "each of the trials hits with this chance" (`more`: with no higher chance)."""
    eta = log_odds_ratios(side)
    grown = np.log1p(np.asarray(chance)[..., None] * np.expm1(eta))
    return np.asarray(hits[..., None] * eta - trials[..., None] * grown, dtype=np.float64)


def log_wealth(log_bets: Floats) -> Floats:
    """[...] logarithm of the average over [..., bets]: the e-value of someone who spread the stake evenly."""
    highest = log_bets.max(-1)
    return np.asarray(highest + np.log(np.exp(log_bets - highest[..., None]).mean(-1)), dtype=np.float64)


def log_wealth_of_steps(log_bets: Floats, started: Counts) -> Floats:
    """[...] logarithm of the wealth of someone who kept a part of the stake for each step to come.

    Bets that lost while all was well grow slowly when it no longer is; a fresh stake at a new weight does not.

    Args:
        log_bets: [..., steps, bets] each step's bets since its begin; 0 where it has not begun.
        started: [...] how many steps have begun. The i-th has the part 1 / (i (i + 1)), all are 1 together.
    """
    place = np.arange(1, log_bets.shape[-2] + 1)
    parts = np.where(place <= started[..., None], np.log(1 / (place * (place + 1))), -np.inf)
    kept = -np.log(started + 1.0)
    logs = np.concatenate([log_wealth(log_bets) + parts, kept[..., None]], axis=-1)
    highest = logs.max(-1)
    return np.asarray(highest + np.log(np.exp(logs - highest[..., None]).sum(-1)), dtype=np.float64)


def settle(carried: Counts, counted: Counts) -> tuple[Counts, Counts]:
    """Add a window to what earlier ones left over: (the block that it completes, or zeros; what is left over now).

    Args:
        carried: [..., 2, bins] counts by version and bin that no block has yet.
        counted: [..., 2, bins] the window's.
    """
    held = carried + counted
    full = (held.sum(-1) >= BLOCK_REQUESTS).all(-1)[..., None, None]
    return np.where(full, held, 0), np.where(full, 0, held)
