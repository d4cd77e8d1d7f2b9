"""Windowed aggregates by SQL: right by hand on little tables, and blind to what lies after the cut-off."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from model.baselines.aggregates import link_features
from model.baselines.feature_table import Features, join_features, season_features
from model.baselines.neighbours import neighbour_features
from model.labels.training_table import TrainingTable
from model.query import bind_query, parse_query
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables

CHURN = "PREDICT COUNT(orders.* WHERE orders.paid > 1, 0, 8, days) = 0 FOR EACH users.user_id"
FRAUD = "PREDICT orders.fraud = 1 FOR EACH orders.order_id"
ORDERS = [(0, 0, 1.0, 2.0), (0, 1, 9.0, 4.0), (0, 1, 10.0, 1.0), (1, 0, 5.0, 3.0), (1, 1, 2.0, 3.0)]


def shop(folder: Path, orders: Sequence[tuple[int, int, float, float]]) -> Path:
    """Orders are (user, item, day, paid)."""
    user, item, number, paid = zip(*orders, strict=True)
    return write_tables(
        folder,
        users={"user_id": [0, 1, 2], "age": [20.5, 30.5, None]},
        items={"item_id": [0, 1], "kind": ["shoe", "hat"], "price": [10.5, 20.5]},
        orders={
            "order_id": list(range(len(orders))),
            "user_id": list(user),
            "item_id": list(item),
            "placed": [day(n) for n in number],
            "paid": list(paid),
            "fraud": [n % 2 for n in range(len(orders))],
        },
    )


def rows(entity: Sequence[int], days: Sequence[float], entity_table: str = "users") -> TrainingTable:
    return TrainingTable(
        entity_table=entity_table,
        entity=np.array(entity, np.int64),
        cutoff_ns=np.array([day_ns(n) for n in days], np.int64),
        label=np.zeros(len(entity), np.float32),
        split=np.array(["train"] * len(entity), np.str_),
    )


def features(folder: Path, table: TrainingTable, text: str = CHURN) -> Features:
    with open_database(folder) as database:
        return link_features(database, table, bind_query(parse_query(text), database.graph))


def column(found: Features, name: str) -> list[float]:
    values: npt.NDArray[np.float32] = found.values_RF[:, found.names.index(name)]
    return [round(float(value), 4) for value in values]


def test_aggregates_by_hand(tmp_path: Path) -> None:
    found = features(shop(tmp_path, ORDERS), rows([0, 0, 1, 2], [10, 9.5, 10, 10]))

    def named(name: str) -> list[float]:
        return column(found, f"orders.user_id: {name}")

    assert named("count, 2 days") == [2, 1, 0, 0]
    assert named("count, 8 days") == [2, 1, 1, 0]
    assert named("count, 24 days") == [3, 2, 2, 0]
    assert named("count, condition 1, ever") == [2, 2, 2, 0]
    assert named("days since last")[:3] == [0, 0.5, 5]
    assert named("days since last, condition 1")[:3] == [1, 0.5, 5]
    assert named("days since first")[:3] == [9, 8.5, 8]
    assert named("sum of orders.paid, ever")[:3] == [7, 6, 6]
    assert named("max of orders.paid, 8 days")[:3] == [4, 4, 3]
    assert named("mean of items.price, ever")[:3] == [17.1667, 15.5, 15.5]
    assert named("share of items.kind = hat, ever")[:3] == [0.6667, 0.5, 0.5]
    assert named("count of different item_id, 24 days") == [2, 2, 2, 0]
    log_2, log_3 = round(float(np.log(2)), 4), round(float(np.log(3)), 4)
    assert named("popularity of the last item_id")[:3] == [log_3, log_3, log_2]
    assert np.isnan(found.values_RF[3, found.names.index("orders.user_id: days since last")])


@pytest.mark.parametrize(("second", "changed"), [(0, True), (1, False)])
def test_a_planted_row_changes_features_only_up_to_its_cut_off(tmp_path: Path, second: int, changed: bool) -> None:
    table = rows([0, 1, 2], [10, 10, 10])
    before = features(shop(tmp_path / "before", ORDERS), table)
    planted = [(user, 1, 10 + second / 86_400, 100.0) for user in (0, 1, 2)]
    after = features(shop(tmp_path / "after", [*ORDERS, *planted]), table)
    assert after.names == before.names
    same = np.array_equal(before.values_RF, after.values_RF, equal_nan=True)
    assert same != changed


def test_a_row_is_described_by_the_history_of_its_parents_and_never_by_the_label(tmp_path: Path) -> None:
    table = rows([0, 1, 2], [1, 9, 10], entity_table="orders")
    found = features(shop(tmp_path, ORDERS), table, FRAUD)
    assert column(found, "user_id->orders.user_id: count, ever") == [1, 2, 3]
    assert column(found, "item_id->orders.item_id: count, ever") == [1, 2, 3]
    assert not [name for name in found.names if "fraud" in name]


def test_no_rows_and_no_links_have_no_features(tmp_path: Path) -> None:
    assert features(shop(tmp_path, ORDERS), rows([], [])).values_RF.shape[0] == 0
    lonely = write_tables(tmp_path / "lonely", users={"user_id": [0, 1], "age": [20.5, 30.5]})
    found = features(lonely, rows([0, 1], [1, 1]), "PREDICT users.age > 25 FOR EACH users.user_id")
    assert found.values_RF.shape == (2, 0)


def test_season_and_joining() -> None:
    season = season_features(rows([0, 0], [0, 40]))
    assert season.values_RF.tolist() == [[0, 0], [40, 5]]
    coded = Features(names=("town",), values_RF=np.ones((2, 1), np.float32), categorical=(0,))
    both = join_features([season, coded])
    assert (both.names, both.categorical) == (("day of year", "day of week", "town"), (2,))


def test_some_rows_alone_are_described_as_among_all(tmp_path: Path) -> None:
    table, some = rows([0, 0, 1, 2], [10, 9.5, 10, 10]), np.array([1, 2])
    with open_database(shop(tmp_path, ORDERS)) as database:
        bound = bind_query(parse_query(CHURN), database.graph)
        for describe in (link_features, neighbour_features):
            every = describe(database, table, bound)
            few = describe(database, table, bound, rows=some)
            assert few.names == every.names
            assert few.values_RF.shape == every.values_RF.shape
            assert np.array_equal(few.values_RF[some], every.values_RF[some], equal_nan=True)
            assert not np.array_equal(few.values_RF, every.values_RF, equal_nan=True), "the others are left out"
