from pathlib import Path

import numpy as np
import pytest

from model.deep.outline import NEWEST, OutlineBuilder
from model.deep.temporal_search import DEGREE_WINDOWS_DAYS
from model.served.features import TableFeatures
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore, build_store, open_store
from tests.model.small_shop import DAY_NS, TO_CUSTOMER, at_day, small_store, small_tables

NUM_CUSTOMERS = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    path = tmp_path_factory.mktemp("outline") / "graph"
    return small_store(path, num_customers=NUM_CUSTOMERS, num_transactions=900)


@pytest.fixture(scope="module")
def features(store: GraphStore) -> dict[str, TableFeatures]:
    return fit_features(store, at_day(60), FeatureSettings())


def _holds(values_RF: np.ndarray, expected_R: np.ndarray) -> bool:
    """Whether one of the columns is the expected one."""
    same = np.isclose(values_RF, expected_R[:, None], rtol=1e-3, atol=1e-3, equal_nan=True)
    return bool(same.all(axis=0).any())


def _gap(moments: np.ndarray) -> float:
    """Mean days between different moments."""
    return float(np.diff(moments).mean() / DAY_NS) if len(moments) > 1 else np.nan


def test_sums_and_means_are_those_of_the_rows_themselves(store: GraphStore, features: dict[str, TableFeatures]) -> None:
    rows = np.arange(NUM_CUSTOMERS)
    outlines = OutlineBuilder(store, "customers", features).build(rows, np.full(NUM_CUSTOMERS, at_day(60)))
    times, price = store.row_times("transactions"), store.column("transactions", "price").astype(np.float64)
    owner = store.parent_rows(TO_CUSTOMER)
    scale = features["transactions"].numericals[0]
    assert scale.column == "price"
    price = np.where(np.isnan(price), scale.mean, price)
    past = [np.flatnonzero((owner == row) & (times <= at_day(60))) for row in rows]
    for days in (*DEGREE_WINDOWS_DAYS, 10_000):
        inside = [own[times[own] > at_day(60) - days * DAY_NS] for own in past]
        assert _holds(outlines.values_RF, np.array([price[own].sum() for own in inside])), f"sum of {days} days"
    for most in NEWEST:
        newest = [price[own[-most:]] for own in past]
        means = np.array([own.mean() if len(own) else np.nan for own in newest])
        assert _holds(outlines.values_RF, (means - scale.mean) / scale.std), f"mean of the last {most}"
    gaps = np.array([_gap(np.unique(times[own])) for own in past])
    assert _holds(outlines.values_RF, gaps), "mean days between moments"


def test_an_outline_does_not_depend_on_its_batch(
    store: GraphStore, features: dict[str, TableFeatures], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, builder = np.random.default_rng(0), OutlineBuilder(store, "customers", features)
    rows, times = rng.integers(NUM_CUSTOMERS, size=200), rng.integers(at_day(0), at_day(99), size=200)
    whole = builder.build(rows, times)
    assert whole.categorical
    order = rng.permutation(200)
    monkeypatch.setattr("model.deep.outline._BATCH_ROWS", 7)
    again = builder.build(rows[order], times[order])
    np.testing.assert_array_equal(again.values_RF, whole.values_RF[order])
    assert (again.names, again.categorical) == (whole.names, whole.categorical)
    assert builder.build(rows[:0], times[:0]).values_RF.shape == (0, len(whole.names))


def test_nothing_after_the_time_is_in_an_outline(
    store: GraphStore, features: dict[str, TableFeatures], tmp_path: Path
) -> None:
    tables = small_tables(num_customers=NUM_CUSTOMERS, num_transactions=900)
    with tables.connection as connection:
        connection.execute(
            f"""INSERT INTO transactions SELECT 10000 + i, make_timestamp_ns({at_day(70)} + 1000000000), 1000 + 7 * i,
            'ärt-1', 1e6, 0 FROM range(50) r(i)"""
        ).fetchall()
        build_store(tables, tmp_path / "graph")
    planted = open_store(tmp_path / "graph")
    keys = store.keys("customers")

    def at(where: GraphStore, moment: int) -> np.ndarray:
        rows = where.rows_of("customers", keys)
        return OutlineBuilder(where, "customers", features).build(rows, np.full(len(keys), moment)).values_RF

    np.testing.assert_array_equal(at(planted, at_day(70)), at(store, at_day(70)))
    later = at(planted, at_day(70) + 10**9)
    assert (np.nan_to_num(later) != np.nan_to_num(at(store, at_day(70)))).any(axis=1).sum() >= 40
