"""Training tables of every task: what the labels look like, on disk too, and who refuses to train on them."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from model.errors import UserError
from model.labels.table import Lists
from model.labels.training_table import (
    TrainingPlan,
    TrainingTable,
    build_training_table,
    read_training_table,
    write_training_table,
)
from model.query import bind_query, parse_query
from model.query.bound import TrainableTask, trainable
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables

PLAN = TrainingPlan(training_ns=(day_ns(10), day_ns(13)), validation_ns=(day_ns(20),), test_ns=(day_ns(27),))
ORDERS = [
    # user, item, day, colour, price
    ("a", 1, 11, "red", 1.0),
    ("a", 2, 12, "blue", 2.0),
    ("b", 1, 14, "red", 3.0),
    ("a", 9, 15, "blue", 4.0),
    ("a", 3, 21, "green", 5.0),
    ("b", 3, 22, "red", 6.0),
    ("b", 1, 28, "blue", 7.0),
    ("a", 2, 29, "red", 8.0),
    ("a", 2, 36, "red", 8.0),
]


def built(folder: Path, target: str, plan: TrainingPlan = PLAN) -> TrainingTable:
    columns = zip(*ORDERS, strict=True)
    names = ("user_id", "item_id", "placed", "colour", "price")
    orders = {name: list(values) for name, values in zip(names, columns, strict=True)}
    write_tables(
        folder,
        users={"user_id": ["a", "b", "c"], "town": ["Lyon", "Lyon", "Metz"]},
        items={"item_id": [1, 2, 3, 4], "size": [1.5, 2.5, 3.5, 4.5]},
        orders={"order_id": list(range(len(ORDERS))), **orders, "placed": [day(number) for number in orders["placed"]]},
    )
    with open_database(folder) as database:
        bound = bind_query(parse_query(f"PREDICT {target} FOR EACH users.user_id"), database.graph)
        return build_training_table(database, bound, plan)


def keys(table: TrainingTable) -> list[tuple[str, int, str]]:
    days = (table.cutoff_ns - day_ns(0)) // (day_ns(1) - day_ns(0))
    return list(zip(table.entity.tolist(), days.tolist(), table.split.tolist(), strict=True))


KEYS = [
    ("a", 10, "train"),
    ("b", 10, "train"),
    ("a", 13, "train"),
    ("b", 13, "train"),
    ("a", 20, "validation"),
    ("b", 20, "validation"),
    ("a", 27, "test"),
    ("b", 27, "test"),
]


def test_multiclass_labels_are_places_among_the_classes_of_training_rows(tmp_path: Path) -> None:
    table = built(tmp_path, "FIRST(orders.colour, 0, 7)")
    assert keys(table) == KEYS
    assert table.classes is not None
    assert table.classes.tolist() == ["blue", "red"]
    assert table.label.tolist() == [1, 1, 0, 1, -1, 1, 1, 0]
    assert table.summary("train") == ("share of commonest class", 0.75)


def test_link_labels_are_keys_of_the_items_that_exist(tmp_path: Path) -> None:
    table = built(tmp_path, "LIST_DISTINCT(orders.item_id, 0, 7) RANK TOP 12")
    assert keys(table) == [key for key in KEYS if key[:2] != ("a", 13)]
    assert table.lists is not None
    assert [table.lists.row(i).tolist() for i in range(len(table))] == [[1, 2], [1], [1], [3], [3], [2], [1]]
    assert table.label.tolist() == [2, 1, 1, 1, 1, 1, 1]
    assert table.classes is None


def test_multilabel_labels_are_categories(tmp_path: Path) -> None:
    table = built(tmp_path, "LIST_DISTINCT(orders.colour, 0, 7)")
    assert table.lists is not None
    assert table.classes is not None
    assert table.classes.tolist() == ["blue", "red"]
    assert [table.lists.row(i).tolist() for i in (0, 2, 4)] == [["blue", "red"], ["blue"], ["green"]]
    assert table.summary("train") == ("mean items", 1.25)


def test_forecast_labels_are_a_row_of_numbers(tmp_path: Path) -> None:
    plan = TrainingPlan(training_ns=(day_ns(10),), validation_ns=(day_ns(18),), test_ns=(day_ns(26),))
    table = built(tmp_path, "SUM(orders.price, 0, 2) FORECAST 4 TIMEFRAMES", plan)
    assert table.label[table.rows("train")].tolist() == [[3, 0, 4, 0], [0, 3, 0, 0], [0, 0, 0, 0]]
    assert table.label.shape == (9, 4)


@pytest.mark.parametrize(
    "target",
    [
        "FIRST(orders.colour, 0, 7)",
        "LIST_DISTINCT(orders.item_id, 0, 7)",
        "LIST_DISTINCT(orders.colour, 0, 7)",
        "SUM(orders.price, 0, 3) FORECAST 2 TIMEFRAMES",
    ],
)
def test_every_table_survives_its_artifact(tmp_path: Path, target: str) -> None:
    table = built(tmp_path / "shop", target)
    write_training_table(table, tmp_path / "rows", parents={}, settings={})
    again = read_training_table(tmp_path / "rows")
    assert keys(again) == keys(table)
    np.testing.assert_array_equal(again.label, table.label)
    np.testing.assert_array_equal(np.asarray(again.classes), np.asarray(table.classes))
    assert rows_of(again.lists) == rows_of(table.lists)


def rows_of(lists: Lists | None) -> list[list[object]] | None:
    return None if lists is None else [lists.row(i).tolist() for i in range(len(lists))]


def test_a_link_is_not_served_live_and_there_is_a_way_round() -> None:
    with pytest.raises(UserError, match="not distilled and served live yet"):
        trainable("link")


def test_tasks_that_models_learn_pass() -> None:
    for task in get_args(TrainableTask):
        assert trainable(task) == task


def test_lists_are_taken_in_any_order_and_may_be_empty() -> None:
    lists = Lists(values=np.array([3, 4, 5, 6]), offsets=np.array([0, 2, 2, 4]))
    taken = lists.take(np.array([2, 1, 0, 2]))
    assert [taken.row(i).tolist() for i in range(len(taken))] == [[5, 6], [], [3, 4], [5, 6]]
    assert len(lists.take(np.array([], np.int64))) == 0


def test_a_parent_with_two_rows_is_refused(tmp_path: Path) -> None:
    built(tmp_path, "COUNT(orders.* WHERE items.size > 2, 0, 7)")
    with open_database(tmp_path) as database:
        graph = database.graph
    write_tables(tmp_path, items={"item_id": [1, 2, 2, 3], "size": [1.5, 2.5, 3.5, 4.5]})
    with open_database(tmp_path, graph) as database:
        text = "PREDICT COUNT(orders.* WHERE items.size > 2, 0, 7) FOR EACH users.user_id"
        with pytest.raises(UserError, match="1 rows of `items` repeat a primary key `item_id`"):
            build_training_table(database, bind_query(parse_query(text), graph), PLAN)


def test_large_tables_are_labelled_cut_off_by_cut_off_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = built(tmp_path, "COUNT(orders.*, 0, 7)")
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr("model.labels.training_table._ROWS_AT_ONCE", 0)
    apart = built(tmp_path, "COUNT(orders.*, 0, 7)")
    assert keys(apart) == keys(together)
    assert apart.label.tolist() == together.label.tolist()
    with open_database(tmp_path) as database:
        bound = bind_query(parse_query("PREDICT COUNT(orders.*, 0, 7) FOR EACH users.user_id"), database.graph)
        build_training_table(database, bound, PLAN, lambda done, total: steps.append((done, total)))
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
