"""What is known of items and of an entity's own items at a cut-off: popularity, repeats. Nothing reads after it.

Legend: N items, B entities of a batch, H places of an entity's own items, P and Q features, R rows.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from model.errors import UserError
from model.graph import Link
from model.query import BoundQuery
from model.query.syntax import Aggregate
from model.served.features import LOG_DAYS_SCALE, NS_PER_DAY
from model.store.history import recent_children
from model.store.store import GraphStore

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
_Number = TypeVar("_Number", np.int64, np.float32)
MAX_HISTORY = 512
"""Newest rows of an entity that its own items are taken from."""
CACHED_CUTOFFS = 64
WINDOWS = (0.25, 1.0, 3.0)
"""Of the query's horizon; and all time."""
NUM_POPULARITY = len(WINDOWS) + 2
NUM_OWN = len(WINDOWS) + 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """What a link query ranks: rows of `item_table`, by the child rows that join them to an entity."""

    to_entity: Link
    to_item: Link
    horizon_ns: int
    top: int
    """How many items are asked for."""

    @property
    def entity_table(self) -> str:
        """Whom items are ranked for."""
        return self.to_entity.parent_table

    @property
    def item_table(self) -> str:
        """What is ranked."""
        return self.to_item.parent_table


DEFAULT_TOP = 12


def ranked(bound: BoundQuery, store: GraphStore) -> Ranked:
    """The links of a query such as `LIST_DISTINCT(transactions.article_id, 0, 7, days) RANK TOP 12`.

    Raises:
        UserError: the query ranks nothing.
    """
    target = bound.target
    if bound.task != "link" or not isinstance(target, Aggregate):
        raise UserError(
            f"a ranking needs a list of links (got a {bound.task} query)",
            hint="e.g. PREDICT LIST_DISTINCT(transactions.article_id, 0, 7, days) RANK TOP 12 FOR EACH ...",
        )
    links = {link.child_column: link for link in store.graph.parents(target.column.table)}
    return Ranked(
        to_entity=links[target.link_column],
        to_item=links[target.column.column],
        horizon_ns=bound.horizon_ns,
        top=bound.top or DEFAULT_TOP,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """Items that entities have had to do with before a cut-off."""

    items_BH: Int64  # noqa: N815
    """Rows of the item table, padded with -1."""
    features_BHQ: Float32  # noqa: N815
    """Rows of the pair in each window and in all (log), its share of the entity's, days since the last and the first,
    and of the entity itself: rows and different items (log)."""
    weights_BHW: Float32  # noqa: N815
    """Share of the entity's rows in each window and in all that are of this item; rows sum to 1, or are 0."""


class Items:
    """Reads a store; holds counts of the last cut-offs only."""

    def __init__(self, store: GraphStore, what: Ranked) -> None:
        self.what = what
        self.num_items = store.num_rows(what.item_table)
        self._store = store
        self._item_of = np.asarray(store.parent_rows(what.to_item))
        self._times = store.row_times(what.to_item.child_table)
        self._windows_ns = [int(share * what.horizon_ns) for share in WINDOWS]
        self.popularity = lru_cache(maxsize=CACHED_CUTOFFS)(self._popularity)

    def visible(self, cutoff_ns: int) -> int:
        """How many items exist: they are rows [0, n)."""
        return self._store.num_visible(self.what.item_table, cutoff_ns)

    def counts(self, after_ns: int, upto_ns: int) -> Int64:
        """[N] rows of each item in `(after, upto]`."""
        first, last = np.searchsorted(self._times, [after_ns, upto_ns], side="right")
        found = self._item_of[first:last]
        return np.bincount(found[found >= 0], minlength=self.num_items)

    def _popularity(self, cutoff_ns: int) -> Float32:
        """[N, P] log counts in growing windows and in all, and the last window's share of the next wider one."""
        counts = [self.counts(cutoff_ns - window, cutoff_ns) for window in self._windows_ns]
        ever = self.counts(np.iinfo(np.int64).min, cutoff_ns)
        trend = counts[0] / np.maximum(counts[1], 1)
        columns = [*(np.log1p(count) for count in (*counts, ever)), trend]
        return np.stack(columns, axis=1).astype(np.float32)

    def own(self, rows_B: Int64, cutoff_ns: int) -> Own:
        """What each entity had before the cut-off, by item."""
        bounds = np.full(len(rows_B), cutoff_ns, np.int64)
        child_R, owner_R = recent_children(self._store, self.what.to_entity, rows_B, bounds, MAX_HISTORY)
        item_R, age_R = self._item_of[child_R].astype(np.int64), cutoff_ns - self._times[child_R]
        known = item_R >= 0
        owner_R, item_R, age_R = owner_R[known], item_R[known], age_R[known]
        pair, place_R = np.unique(owner_R * self.num_items + item_R, return_inverse=True)
        owner_U, item_U = pair // max(self.num_items, 1), pair % max(self.num_items, 1)
        in_window = [age_R < window for window in self._windows_ns]
        in_window.append(np.ones(len(age_R), bool))
        count_UW = np.stack([np.bincount(place_R[inside], minlength=len(pair)) for inside in in_window], axis=1)
        last_U = np.full(len(pair), np.inf)
        np.minimum.at(last_U, place_R, age_R / NS_PER_DAY)
        first_U = np.zeros(len(pair))
        np.maximum.at(first_U, place_R, age_R / NS_PER_DAY)
        total_BW = np.stack(
            [np.bincount(owner_U, weights=count_UW[:, w], minlength=len(rows_B)) for w in range(count_UW.shape[1])],
            axis=1,
        )
        items_B = np.bincount(owner_U, minlength=len(rows_B))
        share_UW = count_UW / np.maximum(total_BW[owner_U], 1)
        features_UQ = np.concatenate(
            [
                np.log1p(count_UW),
                share_UW[:, -1:],
                np.log1p(np.stack([last_U, first_U, total_BW[owner_U, -1], items_B[owner_U]], axis=1)) / LOG_DAYS_SCALE,
            ],
            axis=1,
        )
        place_U = np.arange(len(pair)) - np.searchsorted(owner_U, owner_U)
        most = int(items_B.max(initial=0))
        return Own(
            items_BH=_spread(item_U, owner_U, place_U, len(rows_B), most, fill=-1),
            features_BHQ=_spread(features_UQ.astype(np.float32), owner_U, place_U, len(rows_B), most),
            weights_BHW=_spread(share_UW.astype(np.float32), owner_U, place_U, len(rows_B), most),
        )


def _spread(
    values: npt.NDArray[_Number], owner_U: Int64, place_U: Int64, num_rows: int, most: int, fill: int = 0
) -> npt.NDArray[_Number]:
    """Values of (owner, place) pairs as a padded array."""
    spread = np.full((num_rows, most, *values.shape[1:]), fill, values.dtype)
    spread[owner_U, place_U] = values
    return spread
