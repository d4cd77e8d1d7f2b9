from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from model.served.features import TableFeatures, encode_values
from model.served.missing import MISSING_INT64
from model.store.row_features import FeatureSettings, encode_rows, fit_features
from model.store.store import GraphStore
from tests.model.small_shop import TO_ARTICLE, at_day, small_store

UPTO = at_day(40)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("features") / "graph")


@pytest.fixture(scope="module")
def features(store: GraphStore) -> dict[str, TableFeatures]:
    return fit_features(store, UPTO, FeatureSettings(include_links=True, max_vocabulary=5))


def test_statistics_stop_at_the_cutoff(store: GraphStore, features: dict[str, TableFeatures]) -> None:
    seen = store.row_times("transactions") <= UPTO
    prices = store.column("transactions", "price")[seen]
    (price,) = features["transactions"].numericals
    assert price.mean == pytest.approx(np.nanmean(prices), rel=1e-5)
    assert price.std == pytest.approx(np.nanstd(prices), rel=1e-5)
    parents = store.parent_rows(TO_ARTICLE)[seen]
    counts = np.bincount(parents[parents >= 0], minlength=store.num_rows("articles"))
    article = next(c for c in features["transactions"].categoricals if c.column == "article")
    keys = [key.decode() for key in store.keys("articles")]
    assert article.values == tuple(sorted(keys, key=lambda key: (-counts[keys.index(key)], key))[:5])


def test_columns_and_order(features: dict[str, TableFeatures]) -> None:
    assert features["customers"].columns == ("age", "joined", "club", "member")
    assert features["articles"].columns == ("colour", "story")
    assert features["transactions"].columns == ("price", "channel", "customer", "article")


def test_before_any_row_a_table_with_times_has_no_features(store: GraphStore) -> None:
    early = fit_features(store, at_day(-1), FeatureSettings(include_links=True))
    assert early["transactions"].columns == ()
    assert early["customers"].columns == ("age", "joined", "club", "member")


def test_hidden_and_wordy_columns_are_left_out(store: GraphStore) -> None:
    settings = FeatureSettings(hidden=("customers.age", "transactions.channel"), max_text_values=11)
    features = fit_features(store, UPTO, settings)
    assert features["customers"].columns == ("joined", "club", "member")
    assert features["transactions"].columns == ("price",)
    assert features["articles"].columns == ("colour",)
    linked = fit_features(store, UPTO, FeatureSettings(include_links=True, hidden=("transactions.customer",)))
    assert linked["transactions"].columns == ("price", "channel", "article")


def test_rows_of_the_store_and_raw_values_give_the_same_inputs(
    store: GraphStore, features: dict[str, TableFeatures]
) -> None:
    rng = np.random.default_rng(0)
    for table, table_features in features.items():
        rows = rng.integers(store.num_rows(table), size=60)
        anchors = rng.integers(at_day(0), at_day(100), size=60)
        raw: dict[str, npt.NDArray[Any]] = {}
        coded = [feature.column for feature in table_features.categoricals]
        for column in table_features.columns:
            values = _texts(store, table, column) if column in coded else store.column(table, column)
            raw[column] = values[rows]
        one, other = encode_rows(store, table_features, rows, anchors), encode_values(table_features, raw, anchors)
        np.testing.assert_array_equal(one.dense_RF, other.dense_RF)
        np.testing.assert_array_equal(one.codes_RC, other.codes_RC)
        assert one.codes_RC.max() > 0


def test_no_rows(store: GraphStore, features: dict[str, TableFeatures]) -> None:
    nothing = np.zeros(0, dtype=np.int64)
    encoded = encode_rows(store, features["customers"], nothing, nothing)
    assert encoded.dense_RF.shape == (0, 4)
    assert encoded.codes_RC.shape == (0, 2)


def test_a_constant_column_is_zero(tmp_path: Path) -> None:
    store = small_store(tmp_path / "graph", num_customers=2)
    rows = np.arange(2)
    encoded = encode_rows(
        store, fit_features(store, UPTO, FeatureSettings())["customers"], rows, np.full(2, MISSING_INT64 + 1)
    )
    assert encoded.dense_RF[:, 0].tolist() == [0, 0]


def _texts(store: GraphStore, table: str, column: str) -> npt.NDArray[Any]:
    """What a request would hold: text, or a number for a numerical foreign key."""
    for link in store.graph.parents(table):
        if link.child_column == column:
            keys = store.keys(link.parent_table)
            return _pick([*keys.tolist(), None], store.parent_rows(link))
    return _pick([*store.categories(table, column), None], store.column(table, column))


def _pick(values: list[Any], places: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
    """The last value answers place -1."""
    picked: npt.NDArray[Any] = np.array(values, dtype=object)[places]
    return picked
