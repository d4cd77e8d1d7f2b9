"""What a ranking must beat: what is popular, and what the entity had before; each as is best on validation rows."""

from collections.abc import Callable, Mapping

import numpy as np

from model.labels.table import Lists
from model.ranking.hits import precisions
from model.ranking.items import WINDOWS, Int64, Items

Rank = Callable[[Items, Int64, int, int], Int64]
"""(items, entity rows [B], cut-off, K) -> [B, K] item rows, best first."""
_FEW = 1e-6


def _popularity(items: Items, cutoff_ns: int, column: int) -> np.ndarray:
    """[visible] counts of a window, then of all time, then lower rows first."""
    found = items.popularity(cutoff_ns)[: items.visible(cutoff_ns)]
    score: np.ndarray = found[:, column] + _FEW * found[:, len(WINDOWS)]
    return score


def _popular(column: int) -> Rank:
    def rank(items: Items, rows_B: Int64, cutoff_ns: int, top: int) -> Int64:
        order = np.argsort(-_popularity(items, cutoff_ns, column), kind="stable")[:top]
        ranking = np.full((len(rows_B), top), -1, np.int64)
        ranking[:, : len(order)] = order
        return ranking

    return rank


def _repeat(by: str, column: int) -> Rank:
    """Own items, most frequent or newest first; popular ones after them."""

    def rank(items: Items, rows_B: Int64, cutoff_ns: int, top: int) -> Int64:
        own, popular = items.own(rows_B, cutoff_ns), _popular(column)(items, rows_B[:1], cutoff_ns, top)[0]
        count_BH, age_BH = own.features_BHQ[:, :, len(WINDOWS)], own.features_BHQ[:, :, len(WINDOWS) + 2]
        score_BH = count_BH - _FEW * age_BH if by == "count" else -age_BH + _FEW * count_BH
        order_BH = np.argsort(np.where(own.items_BH >= 0, -score_BH, np.inf), axis=1, kind="stable")
        mine_BH = np.take_along_axis(own.items_BH, order_BH, axis=1)
        ranking = np.full((len(rows_B), top), -1, np.int64)
        for row, mine in enumerate(mine_BH):
            first = mine[mine >= 0][:top]
            both = np.concatenate([first, popular[~np.isin(popular, first)]])[:top]
            ranking[row, : len(both)] = both
        return ranking

    return rank


BASELINES: Mapping[str, tuple[Rank, ...]] = {
    "popular": tuple(_popular(column) for column in range(len(WINDOWS) + 1)),
    "repeat": tuple(_repeat(by, column) for by in ("count", "newest") for column in range(len(WINDOWS) + 1)),
}
"""Windows of popularity, and the order of own items: tried on validation rows."""


def best_baseline(
    name: str, items: Items, rows: Int64, cutoff_ns: Int64, positives: Lists, top: int
) -> Callable[[Int64, Int64], Int64]:
    """The form of a baseline that is best on some rows: (entity rows, cut-offs) -> ranking."""

    def ranking(rank: Rank, rows: Int64, cutoff_ns: Int64) -> Int64:
        found = np.full((len(rows), top), -1, np.int64)
        for moment in np.unique(cutoff_ns).tolist():
            here = cutoff_ns == moment
            found[here] = rank(items, rows[here], moment, top)
        return found

    forms = BASELINES[name]
    quality = [precisions(positives, ranking(form, rows, cutoff_ns)).mean() for form in forms]
    chosen = forms[int(np.argmax(quality))]
    return lambda rows, cutoff_ns: ranking(chosen, rows, cutoff_ns)
