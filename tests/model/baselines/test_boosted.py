"""Trees learn what is there to learn, the same way twice, and see neither the label nor the future."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from model.baselines.boosted import dfs_features, lightgbm_dfs, lightgbm_entity, own_features
from model.labels.training_table import TrainingTable, build_training_table, suggest_plan
from model.query import BoundQuery, bind_query, parse_query
from model.tables.database import Database, open_database
from tests.model.little_tables import day, day_ns, write_tables

CHURN = "PREDICT COUNT(orders.*, 0, 10, days) = 0 FOR EACH users.user_id"
NUM_USERS = 60


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Users of odd number order every few days, the others seldom; `town` says a little of it, `age` nothing."""
    random = np.random.default_rng(5)
    user, placed = [], []
    for number in range(NUM_USERS):
        times = np.cumsum(random.exponential(3 if number % 2 else 25, 200))
        times = times[times < 120]
        user += [number] * len(times)
        placed += [day(float(time)) for time in times]
    write_tables(
        tmp_path,
        users={
            "user_id": list(range(NUM_USERS)),
            "town": ["Lyon" if (n % 2) == (n % 5 > 0) else "Lille" for n in range(NUM_USERS)],
            "age": [20.5 + n for n in random.permutation(NUM_USERS)],
        },
        orders={
            "order_id": list(range(len(user))),
            "user_id": user,
            "placed": placed,
            "paid": random.random(len(user)).tolist(),
        },
    )
    return open_database(tmp_path)


def bound(database: Database, text: str = CHURN) -> BoundQuery:
    return bind_query(parse_query(text), database.graph)


def built(database: Database, text: str = CHURN) -> TrainingTable:
    query = bound(database, text)
    return build_training_table(database, query, suggest_plan(database, query))


def auroc(table: TrainingTable, scores: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    rows = table.rows("test")
    return float(roc_auc_score(table.label[rows], scores[rows]))


def test_history_tells_more_than_the_entity_alone(database: Database) -> None:
    with database:
        table, query = built(database), bound(database)
        entity, dfs = lightgbm_entity(database, table, query), lightgbm_dfs(database, table, query)
        again = lightgbm_dfs(database, table, query)
    assert len(entity) == len(dfs) == len(table)
    assert auroc(table, dfs) > 0.8
    assert auroc(table, dfs) > auroc(table, entity) > 0.55
    assert np.array_equal(dfs, again)


def test_values_stay_within_what_training_saw(database: Database) -> None:
    text = "PREDICT SUM(orders.paid, 0, 10, days) FOR EACH users.user_id"
    with database:
        table, query = built(database, text), bound(database, text)
        scores = lightgbm_dfs(database, table, query)
    rows = table.rows("test")
    assert 0 <= scores.min() < scores.max() <= table.label[table.rows("train")].max()
    error = np.abs(scores[rows] - table.label[rows]).mean()
    assert error < 0.7 * np.abs(table.label[rows] - np.median(table.label)).mean()


def test_own_columns_are_encoded_and_the_label_is_hidden(database: Database) -> None:
    with database:
        table = built(database)
        own = own_features(database, table, bound(database))
        assert own.names == ("users.town", "users.age")
        assert own.categorical == (0,)
        assert set(np.unique(own.values_RF[:, 0])) == {0.0, 1.0}
        static = "PREDICT orders.paid > 0.5 FOR EACH orders.order_id"
        paid = built(database, static)
        names = dfs_features(database, paid, bound(database, static)).names
        assert "users.age" in names
        assert not [name for name in names if "paid" in name]
        scores = lightgbm_entity(database, paid, bound(database, static))
    assert scores.shape == (len(paid),)


def test_times_after_the_cut_off_are_not_known_yet(tmp_path: Path) -> None:
    write_tables(
        tmp_path,
        shops={"shop_id": [0, 1], "size": [1.5, 2.5], "opened": [day(0), day(50)]},
        users={"user_id": [0, 1], "shop_id": [0, 1], "joined": [day(1), day(2)], "expires": [day(3), day(30)]},
    )
    table = TrainingTable(
        entity_table="users",
        entity=np.array([0, 1], np.int64),
        cutoff_ns=np.array([day_ns(10), day_ns(10)], np.int64),
        label=np.zeros(2, np.float32),
        split=np.array(["train", "train"], np.str_),
    )
    with open_database(tmp_path) as opened:
        query = bound(opened, "PREDICT users.expires IS NULL FOR EACH users.user_id")
        own = own_features(opened, table, replace(query, hidden_columns=()))
        parent = own_features(opened, table, query, parent="shops", through="shop_id")
    assert dict(zip(own.names, own.values_RF.T.tolist(), strict=True)) == {
        "users.expires": [7.0, pytest.approx(float("nan"), nan_ok=True)],
        "users.joined": [9.0, 8.0],
    }
    assert np.isnan(parent.values_RF[1]).all()
    assert parent.values_RF[0].tolist() == [1.5, 10.0]


def test_torch_brings_the_openmp_runtime_before_lightgbm_asks_for_it() -> None:
    """A plain Debian has no libgomp; LightGBM finds the one that torch has loaded."""
    code = (
        "import sys, model.baselines.boosted; print(*(name for name in sys.modules if name in ('torch', 'lightgbm')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["torch", "lightgbm"]
