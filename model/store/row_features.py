"""Features of the rows of a graph store: fitted up to a cut-off, then rows become a model's numbers and codes.

Legend: R rows, F numbers, C categorical codes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.graph import SemanticType
from model.served.features import (
    CategoricalFeature,
    Encoded,
    NumericalFeature,
    TableFeatures,
    TimestampFeature,
    VectorFeature,
    put_number,
    put_timestamp,
)
from model.served.missing import MISSING_INT64
from model.store.store import GraphStore

_CHUNK_ROWS = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureSettings:
    """Which columns become inputs."""

    max_vocabulary: int = 1000
    """Values kept of a categorical column, most frequent first."""
    max_text_values: int = 200
    """A text column with more distinct values is read as a bag of words; with fewer it counts as categorical."""
    include_links: bool = False
    """Foreign keys as categorical columns too, with the parents' keys as values."""
    hidden: tuple[str, ...] = ()
    """`table.column` names that no model may see, such as the label of a static query."""

    def __post_init__(self) -> None:
        assert self.max_vocabulary >= 1
        assert self.max_text_values >= 0


def fit_features(store: GraphStore, upto_ns: int, settings: FeatureSettings) -> dict[str, TableFeatures]:
    """Statistics of every table from the rows that exist at `upto_ns`, the bound included.

    Columns without any value up to then are left out.
    """
    return {table.name: _fit_table(store, table.name, upto_ns, settings) for table in store.graph.tables}


class RowEncoder:
    """Encodes rows of one table of a store; keeps the translation from the store's codes to the features' codes."""

    def __init__(self, store: GraphStore, features: TableFeatures) -> None:
        self.features = features
        self._numericals = [store.column(features.table, f.column) for f in features.numericals]
        self._timestamps = [store.column(features.table, f.column) for f in features.timestamps]
        sources = [_codes_and_values(store, features.table, f.column) for f in features.categoricals]
        self._codes = [codes for codes, _ in sources]
        # Entry 0 answers the store's code -1.
        self._translations = [
            np.array([0, *(feature.index.get(value, 0) for value in values)], dtype=np.int64)
            for feature, (_, values) in zip(features.categoricals, sources, strict=True)
        ]

    def encode(self, rows: npt.NDArray[np.int64], anchor_ns: npt.NDArray[np.int64]) -> Encoded:
        """Inputs of `rows` [R]; `anchor_ns` [R] matters to timestamps only."""
        dense_RF = np.zeros((len(rows), self.features.num_dense), dtype=np.float32)
        codes_RC = np.zeros((len(rows), len(self._codes)), dtype=np.int64)
        place = 0
        for numerical, column in zip(self.features.numericals, self._numericals, strict=True):
            put_number(dense_RF, place, numerical, column[rows])
            place += 2
        for column in self._timestamps:
            put_timestamp(dense_RF, place, column[rows], anchor_ns)
            place += 2
        for position, (codes, translation) in enumerate(zip(self._codes, self._translations, strict=True)):
            codes_RC[:, position] = translation[codes[rows] + 1]
        return Encoded(dense_RF=dense_RF, codes_RC=codes_RC)


def encode_rows(
    store: GraphStore, features: TableFeatures, rows: npt.NDArray[np.int64], anchor_ns: npt.NDArray[np.int64]
) -> Encoded:
    """Inputs of some rows of a store; `RowEncoder` is quicker for many calls."""
    return RowEncoder(store, features).encode(rows, anchor_ns)


def _fit_table(store: GraphStore, table: str, upto_ns: int, settings: FeatureSettings) -> TableFeatures:
    num_rows = store.num_visible(table, upto_ns)
    numericals: list[NumericalFeature] = []
    timestamps: list[TimestampFeature] = []
    categoricals: list[CategoricalFeature] = []
    bags: list[str] = []
    vectors: list[VectorFeature] = []
    for column in store.graph.feature_columns(table):
        if f"{table}.{column.name}" in settings.hidden:
            continue
        kind = column.semantic_type
        is_long = kind is SemanticType.TEXT and len(store.categories(table, column.name)) > settings.max_text_values
        if (is_long or kind is SemanticType.MULTICATEGORICAL) and store.bags(table, column.name)[0][num_rows]:
            bags.append(column.name)
        if kind is SemanticType.EMBEDDING:
            vectors.extend(_fit_vector(column.name, store.column(table, column.name)[:num_rows]))
        if kind is SemanticType.NUMERICAL:
            numericals.extend(_fit_number(column.name, store.column(table, column.name)[:num_rows]))
        elif kind is SemanticType.TIMESTAMP and (store.column(table, column.name)[:num_rows] != MISSING_INT64).any():
            timestamps.append(TimestampFeature(column=column.name))
        elif kind is SemanticType.CATEGORICAL or (kind is SemanticType.TEXT and not is_long):
            categoricals.extend(_fit_categories(store, table, column.name, num_rows, settings))
    if settings.include_links:
        for link in store.graph.parents(table):
            if f"{table}.{link.child_column}" not in settings.hidden:
                categoricals.extend(_fit_categories(store, table, link.child_column, num_rows, settings))
    return TableFeatures(
        table=table,
        numericals=tuple(numericals),
        timestamps=tuple(timestamps),
        categoricals=tuple(categoricals),
        bags=tuple(bags),
        vectors=tuple(vectors),
    )


def _fit_vector(column: str, values_RV: npt.NDArray[np.float32]) -> list[VectorFeature]:
    """Nothing where no row has one up to now."""
    width = values_RV.shape[1]
    starts = range(0, len(values_RV) if width else 0, _CHUNK_ROWS)
    known = any(not np.isnan(values_RV[start : start + _CHUNK_ROWS, 0]).all() for start in starts)
    return [VectorFeature(column=column, width=width)] if known else []


def _fit_number(column: str, values: npt.NDArray[np.float32]) -> list[NumericalFeature]:
    count, total, squares = 0, 0.0, 0.0
    for start in range(0, len(values), _CHUNK_ROWS):
        chunk = values[start : start + _CHUNK_ROWS].astype(np.float64)
        chunk = chunk[np.isfinite(chunk)]
        count, total, squares = count + len(chunk), total + chunk.sum(), squares + np.square(chunk).sum()
    if count == 0:
        return []
    mean = total / count
    std = float(np.sqrt(max(squares / count - mean**2, 0.0)))
    return [NumericalFeature(column=column, mean=float(mean), std=std if std > 1e-6 * abs(mean) else 1.0)]


def _fit_categories(
    store: GraphStore, table: str, column: str, num_rows: int, settings: FeatureSettings
) -> list[CategoricalFeature]:
    codes, names = _codes_and_values(store, table, column)
    counts = np.zeros(len(names) + 1, dtype=np.int64)
    for start in range(0, num_rows, _CHUNK_ROWS):
        counts += np.bincount(codes[start : min(start + _CHUNK_ROWS, num_rows)] + 1, minlength=len(counts))
    seen = np.flatnonzero(counts[1:])
    ranked = sorted(seen.tolist(), key=lambda code: (-counts[code + 1], names[code]))[: settings.max_vocabulary]
    return [CategoricalFeature(column=column, values=tuple(names[code] for code in ranked))] if ranked else []


def _codes_and_values(store: GraphStore, table: str, column: str) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """A categorical column, or a foreign key read as one: its codes and their texts."""
    for link in store.graph.parents(table):
        if link.child_column == column:
            return store.parent_rows(link), _key_texts(store, link.parent_table)
    return store.column(table, column), store.categories(table, column)


def _key_texts(store: GraphStore, table: str) -> tuple[str, ...]:
    keys = store.keys(table)
    if keys.dtype.kind == "S":
        return tuple(key.decode() for key in keys.tolist())
    return tuple(map(str, keys.tolist()))
