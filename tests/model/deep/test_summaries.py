from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.baselines.aggregates import link_features
from model.deep.summaries import NUM_WINDOWS, TOP_VALUES, WINDOWS_DAYS, Float32, Summaries, num_summaries
from model.graph import Link
from model.labels.training_table import TrainingTable
from model.query import bind_query, parse_query
from model.served.features import TableFeatures
from model.store.row_features import FeatureSettings, encode_rows, fit_features
from model.store.store import ALWAYS, GraphStore, build_store, open_store
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables
from tests.model.small_shop import DAY_NS, TO_ARTICLE, TO_CUSTOMER, at_day, small_store

Features = dict[str, TableFeatures]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("summaries") / "graph")


@pytest.fixture(scope="module")
def features(store: GraphStore) -> Features:
    return fit_features(store, at_day(60), FeatureSettings())


def _obvious(store: GraphStore, features: Features, link: Link, row: int, moment: int) -> Float32:
    """[windows, columns] from every child row, one by one."""
    times, child = store.row_times("transactions"), features["transactions"]
    own = np.flatnonzero((store.parent_rows(link) == row) & (times <= moment))
    encoded = encode_rows(store, child, own, np.full(len(own), moment))
    shares = [encoded.codes_RC[:, i] == v + 1 for i, f in enumerate(child.categoricals) for v in range(len(f.values))]
    values_RS = np.stack([encoded.dense_RF[:, 0], *shares[:TOP_VALUES]], axis=1)
    means = np.zeros((NUM_WINDOWS, values_RS.shape[1]), np.float32)
    for window, days in enumerate((*WINDOWS_DAYS, 10_000)):
        inside = times[own] > moment - days * DAY_NS
        if inside.any():
            means[window] = values_RS[inside].mean(axis=0)
    return means


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    link=st.sampled_from([TO_CUSTOMER, TO_ARTICLE]),
    asked=st.lists(st.tuples(st.integers(0, 11), st.floats(-5, 120)), min_size=1, max_size=6),
)
def test_means_equal_those_of_every_child_at_or_before_the_time(
    store: GraphStore, features: Features, link: Link, asked: list[tuple[int, float]]
) -> None:
    summaries = Summaries(store, link.parent_table, features)
    rows, times = np.array([row for row, _ in asked]), np.array([at_day(moment) for _, moment in asked])
    found_TN = summaries.of(rows, times)
    assert found_TN.shape == (len(asked), num_summaries(store.graph, features, link.parent_table))
    for found_N, row, moment in zip(found_TN, rows.tolist(), times.tolist(), strict=True):
        expected = _obvious(store, features, link, row, moment)
        np.testing.assert_allclose(found_N.reshape(expected.shape), expected, atol=1e-5)


def test_nothing_where_there_is_no_child_or_no_time(store: GraphStore, features: Features) -> None:
    summaries = Summaries(store, "customers", features)
    assert summaries.of(np.arange(3), np.full(3, at_day(90))).any()
    assert not summaries.of(np.arange(3), np.full(3, at_day(-1))).any()
    assert not summaries.of(np.arange(3), np.full(3, ALWAYS)).any()
    assert summaries.of(np.zeros(0, np.int64), np.zeros(0, np.int64)).shape == (0, summaries.num)
    assert Summaries(store, "transactions", features).num == 0


def test_they_agree_with_the_aggregates_that_the_baseline_gets(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_tables(
        tmp_path / "tables",
        users={"user_id": list(range(20))},
        orders={
            "order_id": list(range(400)),
            "user_id": rng.integers(0, 20, 400).tolist(),
            "at": [day(moment) for moment in rng.uniform(0, 100, 400)],
            "paid": rng.uniform(1, 9, 400).tolist(),
            "shop": rng.choice(["north", "south"], 400).tolist(),
        },
    )
    table = TrainingTable(
        entity_table="users",
        entity=np.tile(np.arange(20), 2),
        cutoff_ns=np.repeat([day_ns(60), day_ns(99)], 20),
        label=np.zeros(40, np.float32),
        split=np.array(["train"] * 40),
    )
    # A horizon of thirty days: the baseline's windows are then a week, 30, 90 days and ever.
    text = "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id"
    with open_database(tmp_path / "tables") as database:
        theirs = link_features(database, table, bind_query(parse_query(text), database.graph))
        build_store(database, tmp_path / "graph")
    store = open_store(tmp_path / "graph")
    features = fit_features(store, day_ns(99), FeatureSettings())
    ours_TN = Summaries(store, "users", features).of(store.rows_of("users", table.entity), table.cutoff_ns)
    paid, shops = features["orders"].numericals[0], features["orders"].categoricals[0].values
    for window, name in ((0, "30 days"), (1, "90 days"), (NUM_WINDOWS - 1, "ever")):
        mean_T = theirs.values_RF[:, theirs.names.index(f"orders.user_id: mean of orders.paid, {name}")]
        known = ~np.isnan(mean_T)
        ours_T = ours_TN[:, 3 * window] * paid.std + paid.mean
        np.testing.assert_allclose(ours_T[known], mean_T[known], rtol=1e-4)
        assert known.sum() > 30
        if name != "30 days":
            share_T = theirs.values_RF[
                :, theirs.names.index(f"orders.user_id: share of orders.shop = {shops[0]}, {name}")
            ]
            np.testing.assert_allclose(ours_TN[known, 3 * window + 1], share_T[known], atol=1e-6)
