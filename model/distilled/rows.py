"""Rows of a training table become inputs of the distilled model, as a request at that moment would have given them.

The embedding is as old as a batch job would have left it, and the interactions of the last hour have not arrived yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.errors import UserError
from model.graph import Link
from model.served.features import NS_PER_DAY, TableFeatures
from model.served.inputs import NUM_SUMMARY, Float, Inputs, Int, Rows, age_days, summarise
from model.served.missing import MISSING_INT64
from model.served.predictor import ENTITY
from model.store.history import history_links, link_path_name, recent_children
from model.store.row_features import FeatureSettings, RowEncoder, fit_features
from model.store.store import GraphStore

NS_PER_HOUR = NS_PER_DAY // 24
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestSettings:
    """What a request will know in production, and so what training may show."""

    min_embedding_offset_hours: float = 12.0
    """The freshest embedding that a request meets."""
    max_embedding_offset_days: float = 14.0
    """The oldest embedding that a request meets."""
    real_time_offset_hours: float = 1.0
    """Interactions of this last while before the request have not arrived."""
    max_interactions: int = 32
    """Rows of each history, the newest kept: a longer one is always trimmed to them, here and in the server."""
    real_time_interactions: Mapping[str, int] = field(default_factory=dict)
    """Path of a history -> its most rows, where it is another number; with 0 a request does not carry that history."""

    def __post_init__(self) -> None:
        if not 0 < self.min_embedding_offset_hours <= 24 * self.max_embedding_offset_days:
            raise UserError(
                "`min_embedding_offset_hours` must be above 0 and not above `max_embedding_offset_days` "
                f"(got {self.min_embedding_offset_hours} hours and {self.max_embedding_offset_days} days)"
            )
        if self.real_time_offset_hours < 0:
            raise UserError(f"`real_time_offset_hours` must be at least 0 (got {self.real_time_offset_hours})")
        if self.max_interactions < 1:
            raise UserError(f"`max_interactions` must be at least 1 (got {self.max_interactions})")
        for path, number in self.real_time_interactions.items():
            if number < 0:
                raise UserError(f"`real_time_interactions` needs 0 rows or more of `{path}` (got {number})")

    def most_rows(self, path: str) -> int:
        """The most rows of the history called `path`."""
        return self.real_time_interactions.get(path, self.max_interactions)

    def sample_embedding_times(self, anchor_ns: Int, seed: int) -> Int:
        """[R] cut-offs of the embeddings: log-uniform between the two offsets before each anchor."""
        low, high = np.log([self.min_embedding_offset_hours, 24 * self.max_embedding_offset_days])
        hours = np.exp(np.random.default_rng(seed).uniform(low, high, len(anchor_ns)))
        return anchor_ns - (hours * NS_PER_HOUR).astype(np.int64)


def fit_request_features(
    store: GraphStore, entity_table: str, upto_ns: int, settings: FeatureSettings, requests: RequestSettings
) -> dict[str, TableFeatures]:
    """Features of the entity (`entity`) and of each history that a request carries, by path.

    A history's foreign key to the entity itself is left out: it is the same in all rows. So is the empty string among
    categories: in a request it means null.

    Raises:
        UserError: `real_time_interactions` names a history that the entity does not have.
    """
    links = {link_path_name(store, link): link for link in history_links(store, entity_table)}
    if strangers := [path for path in requests.real_time_interactions if path not in links]:
        raise UserError(
            f"`{entity_table}` has no history called `{strangers[0]}`", hint=f"one of {', '.join(links) or 'none'}"
        )
    tables = fit_features(store, upto_ns, settings)
    features = {ENTITY: _without(tables[entity_table], "")}
    for path, link in links.items():
        if requests.most_rows(path):
            features[path] = _without(tables[link.child_table], link.child_column)
    return features


def request_inputs(
    store: GraphStore,
    features: dict[str, TableFeatures],
    rows: Int,
    anchor_ns: Int,
    embedding_RE: Float,
    embedding_ns: Int,
    settings: RequestSettings,
) -> Inputs:
    """Inputs of entity rows at their anchors.

    Args:
        store: the tables.
        features: by `fit_request_features`.
        rows: [R] of the entity table.
        anchor_ns: [R] moments of the predictions.
        embedding_RE: the deep model's.
        embedding_ns: [R] their cut-offs; MISSING_INT64 where there is none.
        settings: what a request knows.
    """
    encoded = RowEncoder(store, features[ENTITY]).encode(rows, anchor_ns)
    arrived_ns = anchor_ns - int(settings.real_time_offset_hours * NS_PER_HOUR)
    histories = []
    for link in history_links(store, features[ENTITY].table):
        if (path := link_path_name(store, link)) not in features:
            continue
        histories.append(
            _history(
                store,
                link,
                features[path],
                rows,
                anchor_ns,
                arrived_ns,
                settings.most_rows(path),
            )
        )
    summaries = [summarise(history.age_days_R, history.owner_R, len(rows)) for history in histories]
    return Inputs(
        facts_BF=np.concatenate([encoded.dense_RF, *summaries], axis=1),
        codes_BC=encoded.codes_RC,
        embedding_BE=embedding_RE,
        embedding_age_days_B=_embedding_age_days(anchor_ns, embedding_ns),
        histories=tuple(histories),
    )


def _embedding_age_days(anchor_ns: Int, embedding_ns: Int) -> Float:
    """[R] NaN where there is no embedding."""
    known = embedding_ns != MISSING_INT64
    return np.where(known, age_days(anchor_ns, np.where(known, embedding_ns, anchor_ns)), np.float32(np.nan))


def _history(
    store: GraphStore,
    link: Link,
    features: TableFeatures,
    rows: Int,
    anchor_ns: Int,
    arrived_ns: Int,
    max_rows: int,
) -> Rows:
    children_R, owner_R = recent_children(store, link, rows, arrived_ns, max_rows)
    encoder = RowEncoder(store, features)
    times = store.row_times(link.child_table)
    encoded = encoder.encode(children_R.astype(np.int64), anchor_ns[owner_R])
    return Rows(
        dense_RF=encoded.dense_RF,
        codes_RC=encoded.codes_RC,
        age_days_R=age_days(anchor_ns[owner_R], times[children_R]),
        owner_R=owner_R,
    )


class InputBatches:
    """Picks batches out of the inputs of many rows."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        bounds = np.arange(len(inputs) + 1)
        self._starts = [np.searchsorted(rows.owner_R, bounds) for rows in inputs.histories]

    def take(
        self, index_B: Int, hidden_embedding_B: Mask | None = None, hidden_histories_B: Mask | None = None
    ) -> Inputs:
        """The inputs at `index_B`, in that order.

        Args:
            index_B: positions, any number of times.
            hidden_embedding_B: where the embedding is missing.
            hidden_histories_B: where the request carries no interactions, of no history.
        """
        inputs = self.inputs
        facts_BF, age_days_B = inputs.facts_BF[index_B], inputs.embedding_age_days_B[index_B]
        if hidden_embedding_B is not None:
            age_days_B = np.where(hidden_embedding_B, np.float32(np.nan), age_days_B)
        shown_B = np.ones(len(index_B), np.bool_) if hidden_histories_B is None else ~hidden_histories_B
        if inputs.histories:
            facts_BF[~shown_B, -NUM_SUMMARY * len(inputs.histories) :] = np.tile(_no_rows(), len(inputs.histories))
        return Inputs(
            facts_BF=facts_BF,
            codes_BC=inputs.codes_BC[index_B],
            embedding_BE=inputs.embedding_BE[index_B],
            embedding_age_days_B=age_days_B,
            histories=tuple(
                _take_rows(rows, starts, index_B, shown_B)
                for rows, starts in zip(inputs.histories, self._starts, strict=True)
            ),
        )


def _no_rows() -> Float:
    """[S] what is told of a history without rows."""
    summary_S: Float = summarise(np.zeros(0, np.float32), np.zeros(0, np.int64), 1)[0]
    return summary_S


def _take_rows(rows: Rows, starts: Int, index_B: Int, shown_B: Mask) -> Rows:
    first_B, lengths_B = starts[index_B], np.diff(starts)[index_B] * shown_B
    owner_R = np.repeat(np.arange(len(index_B)), lengths_B)
    offset_B = first_B - (np.cumsum(lengths_B) - lengths_B)
    place_R = np.arange(len(owner_R)) + offset_B[owner_R]
    return Rows(
        dense_RF=rows.dense_RF[place_R],
        codes_RC=rows.codes_RC[place_R],
        age_days_R=rows.age_days_R[place_R],
        owner_R=owner_R,
    )


def _without(features: TableFeatures, link_column: str) -> TableFeatures:
    return TableFeatures(
        table=features.table,
        numericals=features.numericals,
        timestamps=features.timestamps,
        categoricals=tuple(
            type(feature)(column=feature.column, values=tuple(value for value in feature.values if value))
            for feature in features.categoricals
            if feature.column != link_column
        ),
    )
