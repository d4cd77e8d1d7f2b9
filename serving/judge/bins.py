"""Histograms of both versions -> how many requests lie beyond a bound that favours neither.

A threshold taken from the stable version's own sample would make its exceedances exact and the candidate's noisy, and
false alarms more frequent than stated. The quantile of both versions' requests together, in the same block, is a
symmetric function of the sample: who exceeds it is as exchangeable as before.
"""

import numpy as np

from serving.judge.betting import Counts, Floats
from serving.judge.evidence import Histogram


def histogram_bins(histogram: Histogram) -> Counts:
    """[bounds + 1] observations between two bounds; the last bin is open."""
    return np.diff(np.array((0, *histogram.cumulative))).astype(np.int64)


def beyond_quantile(bins: Counts, quantile: float) -> Counts:
    """[..., 2] requests of each version beyond the bound that is nearest to the quantile of both together.

    Args:
        bins: [..., 2, bins] counts by version and bin.
        quantile: 0 to 1; nearest by the odds of exceeding it, among bounds that some request exceeds.
    """
    position = quantile_position(bins, quantile)
    beyond = _beyond(bins)
    return np.asarray(np.take_along_axis(beyond, position[..., None, None], axis=-1)[..., 0], dtype=np.int64)


def quantile_position(bins: Counts, quantile: float) -> Counts:
    """[...] which bound that is."""
    together = _beyond(bins).sum(-2).astype(np.float64)
    everyone = np.maximum(bins.sum((-1, -2)), 1)[..., None]
    # Half a request off either end keeps the odds finite.
    share = np.clip(together / everyone, 0.5 / everyone, 1 - 0.5 / everyone)
    wanted = np.log((1 - quantile) / quantile)
    distance = np.abs(np.log(share / (1 - share)) - wanted)
    return np.asarray(np.argmin(np.where(together > 0, distance, np.inf), axis=-1), dtype=np.int64)


def _beyond(bins: Counts) -> Counts:
    """[..., bins - 1] observations above each bound."""
    return np.asarray(bins[..., ::-1].cumsum(-1)[..., ::-1][..., 1:], dtype=np.int64)


def beyond_each_bound(bins: Counts) -> Counts:
    """[..., bounds, 2] requests of each version above each bound."""
    return np.swapaxes(_beyond(bins), -1, -2)


def merge_bins(bins: Counts, most: int = 10) -> Counts:
    """[2, at most `most`] neighbours joined, so that both versions together have about as many in each."""
    together = bins.sum(0)
    middle: Floats = (together.cumsum() - together / 2) / max(int(together.sum()), 1)
    group = np.minimum((middle * most).astype(np.int64), most - 1)
    _, group = np.unique(group, return_inverse=True)
    return np.stack([np.bincount(group, weights=row, minlength=group.max() + 1) for row in bins]).astype(np.int64)
