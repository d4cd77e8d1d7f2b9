"""Rows of (entity, cut-off, label, split): nothing leaks, nothing is lost, what is useless is refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import UserError
from model.labels.training_table import (
    TrainingPlan,
    TrainingTable,
    build_training_table,
    prediction_rows,
    read_training_table,
    write_training_table,
)
from model.query import bind_query, parse_query
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables

CHURN = "PREDICT COUNT(orders.*, 0, 7, days) = 0 FOR EACH users.user_id WHERE COUNT(orders.*, -14, 0, days) > 0"
PLAN = TrainingPlan(
    training_ns=(day_ns(10), day_ns(13)), validation_ns=(day_ns(20),), test_ns=(day_ns(27),), max_training_rows=1000
)
ORDERS = [("a", 1.0), ("a", 9.0), ("a", 16.0), ("a", 22.0), ("a", 26.0), ("b", 5.0), ("b", 8.0), ("b", 19.0)]
ORDERS += [("c", 40.0)]


def shop(folder: Path, orders: Sequence[tuple[str | None, float]], users: Sequence[str] = ("a", "b", "c")) -> Path:
    return write_tables(
        folder,
        users={"user_id": list(users), "town": ["Lyon"] * len(users)},
        orders={
            "order_id": list(range(len(orders))),
            "user_id": [user for user, _ in orders],
            "placed": [day(number) for _, number in orders],
            "late": [number % 2 == 0 for _, number in orders],
        },
    )


def built(folder: Path, text: str = CHURN, plan: TrainingPlan = PLAN) -> TrainingTable:
    with open_database(folder) as database:
        return build_training_table(database, bind_query(parse_query(text), database.graph), plan)


def rows(table: TrainingTable) -> list[tuple[Any, ...]]:
    days = (table.cutoff_ns - day_ns(0)) / (day_ns(1) - day_ns(0))
    return list(zip(table.entity.tolist(), days.tolist(), table.label.tolist(), table.split.tolist(), strict=True))


def test_labels_and_splits(tmp_path: Path) -> None:
    assert rows(built(shop(tmp_path, ORDERS))) == [
        ("a", 10, 0, "train"),
        ("b", 10, 1, "train"),
        ("a", 13, 0, "train"),
        ("b", 13, 0, "train"),
        ("a", 20, 0, "validation"),
        ("b", 20, 1, "validation"),
        ("a", 27, 1, "test"),
        ("b", 27, 1, "test"),
    ]


@pytest.mark.parametrize(("seconds", "changed"), [(0, False), (7 * 86_400, True), (7 * 86_400 + 1, False)])
def test_a_planted_row_moves_a_label_only_inside_its_window(tmp_path: Path, seconds: int, changed: bool) -> None:
    before = built(shop(tmp_path / "before", ORDERS))
    planted = ("a", 27 + seconds / 86_400)
    after = built(shop(tmp_path / "after", [*ORDERS, planted]))
    assert (after.cutoff_ns == before.cutoff_ns).all()
    assert (rows(after) != rows(before)) == changed


def test_a_row_after_the_cut_off_does_not_make_an_entity_active(tmp_path: Path) -> None:
    folder = shop(tmp_path, [*ORDERS, ("c", 27 + 1 / 86_400)])
    with open_database(folder) as database:
        bound = bind_query(parse_query(CHURN), database.graph)
        assert prediction_rows(database, bound, day_ns(27)).tolist() == ["a", "b"]
        assert prediction_rows(database, bound, day_ns(28)).tolist() == ["a", "b", "c"]


def test_rows_without_a_parent_and_dangling_keys_label_nobody(tmp_path: Path) -> None:
    clean = rows(built(shop(tmp_path / "clean", ORDERS)))
    assert rows(built(shop(tmp_path / "dirty", [*ORDERS, (None, 12.0), ("nobody", 12.0)]))) == clean


def test_a_training_table_survives_its_artifact(tmp_path: Path) -> None:
    table = built(shop(tmp_path / "shop", ORDERS))
    artifact = write_training_table(table, tmp_path / "rows", parents={"graph": "sha256:0"}, settings={"query": CHURN})
    again = read_training_table(tmp_path / "rows")
    assert rows(again) == rows(table)
    assert (again.entity_table, again.entity.dtype, again.label.dtype) == ("users", np.dtype(object), np.dtype("f4"))
    assert (artifact.metrics["num_test_rows"], artifact.metrics["mean_test_label"]) == (2, 1.0)
    (tmp_path / "rows" / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="cannot read"):
        read_training_table(tmp_path / "rows")


def test_thinning_takes_training_rows_only_and_repeats(tmp_path: Path) -> None:
    folder = shop(tmp_path, ORDERS)
    plan = TrainingPlan(
        training_ns=PLAN.training_ns,
        validation_ns=PLAN.validation_ns,
        test_ns=PLAN.test_ns,
        max_training_rows=3,
        seed=4,
    )
    thin = built(folder, plan=plan)
    assert [len(thin.rows(name)) for name in ("train", "validation", "test")] == [3, 2, 2]
    assert rows(thin) == rows(built(folder, plan=plan))
    assert set(rows(thin)) < set(rows(built(folder)))


def test_a_static_target_is_labelled_at_its_own_time(tmp_path: Path) -> None:
    folder = shop(tmp_path, ORDERS)
    plan = TrainingPlan(training_ns=(), validation_ns=(day_ns(16),), test_ns=(day_ns(26),))
    table = built(folder, "PREDICT orders.late FOR EACH orders.order_id", plan)
    assert rows(table)[-4:] == [
        (7, 19, 0, "validation"),
        (3, 22, 1, "validation"),
        (4, 26, 1, "test"),
        (8, 40, 1, "test"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHURN.replace("-14", "-1").replace("> 0", "> 9"), "no train row: no entity passes"),
        (CHURN.replace("= 0", ">= 0"), r"every training row has the same label \(got 1\)"),
        ("PREDICT users.town FOR EACH users.user_id", r"the same label \(got Lyon\)|no (validation|test) row"),
        (
            CHURN.replace("7, days", "20, days"),
            "label window of cut-off 2024-01-14 00:00 ends after the first validation",
        ),
    ],
)
def test_a_useless_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    folder = shop(tmp_path, ORDERS)
    with pytest.raises(UserError, match=message):
        built(folder, text)


def test_a_label_window_past_the_last_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"label window of cut-off 2024-01-21T.* ends after the last row"):
        built(shop(tmp_path, ORDERS[:-1]))


def test_repeated_entity_keys_are_refused(tmp_path: Path) -> None:
    folder = shop(tmp_path, ORDERS)
    with open_database(folder) as database:
        graph = database.graph
    shop(tmp_path, ORDERS, users=("a", "a", "b"))
    with open_database(folder, graph) as database:
        bound = bind_query(parse_query(CHURN), graph)
        with pytest.raises(UserError, match="1 rows of `users` repeat a primary key `user_id`"):
            build_training_table(database, bound, PLAN)
