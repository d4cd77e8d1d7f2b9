"""Cut-offs: what is derived from the tables, what is refused, how rows are split."""

from pathlib import Path

import numpy as np
import pytest

from model.errors import UserError
from model.labels.plan import TrainingPlan, suggest_plan
from model.labels.training_table import prediction_rows
from model.query import BoundQuery, bind_query, parse_query
from model.query.bound import DAY_NS
from model.tables.database import Database, open_database
from tests.model.little_tables import day, day_ns, write_tables

WEEK = "PREDICT COUNT(orders.*, 0, 7, days) = 0 FOR EACH users.user_id"


def shop(folder: Path, num_days: int = 100) -> Database:
    number = range(num_days + 1)
    write_tables(
        folder,
        users={"user_id": [0, 1, 2], "age": [20.5, 30.0, 40.0]},
        orders={
            "order_id": list(number),
            "user_id": [n % 3 for n in number],
            "placed": [day(n) for n in number],
            "late": [n % 7 == 0 for n in number],
        },
    )
    return open_database(folder)


def bound(database: Database, text: str) -> BoundQuery:
    return bind_query(parse_query(text), database.graph)


def test_defaults_step_back_from_the_last_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.labels.plan.ENOUGH_TO_JUDGE", 1)
    with shop(tmp_path) as database:
        plan = suggest_plan(database, bound(database, WEEK))
    assert (plan.test_ns, plan.validation_ns) == ((day_ns(93),), (day_ns(86),))
    assert plan.training_ns[-1] == day_ns(79)
    assert np.diff(plan.training_ns).min() == 1.75 * DAY_NS
    assert day_ns(7) <= plan.training_ns[0] < day_ns(9)
    assert [reason.split()[0] for reason in plan.reasons] == ["test", "validation", "42"]


def test_few_rows_are_judged_at_many_cut_offs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path) as database:
        week = bound(database, WEEK)
        each = len(prediction_rows(database, week, day_ns(93)))
        # 93 days from the first cut-off on: 15 % of them are one whole week, 30 % are three.
        assert suggest_plan(database, week).test_ns == (day_ns(93),)
        monkeypatch.setattr("model.labels.plan._MOST_TO_JUDGE", 0.3)
        plan = suggest_plan(database, week)
        assert plan.test_ns == tuple(day_ns(n) for n in (79, 86, 93))
        assert plan.validation_ns == tuple(day_ns(n) for n in (58, 65, 72))
        assert plan.training_ns[-1] == day_ns(51)
        assert plan.reasons[0].startswith("test at 3 cut-offs from 2024-03-20 00:00 to 2024-04-03 00:00: one horizon")
        plan.check(week)
        # Not between a stated validation cut-off and its label window's end.
        assert suggest_plan(database, week, validation=(day_ns(75),)).test_ns == (day_ns(86), day_ns(93))
        monkeypatch.setattr("model.labels.plan.ENOUGH_TO_JUDGE", 2 * each)
        assert suggest_plan(database, week).test_ns == (day_ns(86), day_ns(93))


def test_cut_offs_lie_as_close_as_rows_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop(tmp_path) as database:
        week = bound(database, WEEK)
        each = len(prediction_rows(database, week, day_ns(79)))
        steps = {}
        # Eleven cut-offs a week apart, twice and four times as many closer ones.
        for enough in (11 * each, 11 * each + 1, 22 * each + 1):
            monkeypatch.setattr("model.labels.plan.ENOUGH_ROWS", enough)
            steps[enough] = np.diff(suggest_plan(database, week).training_ns).min() / DAY_NS
        assert list(steps.values()) == [7, 3.5, 1.75]
        plan = suggest_plan(database, bound(database, WEEK.replace("7", "1")))
    assert np.diff(plan.training_ns).min() == DAY_NS


def test_the_look_back_of_the_filter_delays_the_first_cut_off(tmp_path: Path) -> None:
    with shop(tmp_path) as database:
        filtered = bound(database, WEEK + " WHERE COUNT(orders.*, -30, 0) > 0")
        assert suggest_plan(database, filtered).training_ns[0] >= day_ns(30)
        stated = suggest_plan(
            database, filtered, test=(day_ns(80),), validation=(day_ns(60),), first=day_ns(20), step_days=10
        )
    assert stated.training_ns == tuple(day_ns(n) for n in (23, 33, 43, 53))


def test_short_tables_and_odd_numbers_are_refused(tmp_path: Path) -> None:
    with shop(tmp_path, num_days=20) as database:
        week = bound(database, WEEK)
        with pytest.raises(UserError, match=r"too short for this query.*2024-01-01 00:00 to 2024-01-21"):
            suggest_plan(database, week)
        with pytest.raises(UserError, match=r"`step_days` must be above 0 \(got 0\)"):
            suggest_plan(database, week, step_days=0)
        with pytest.raises(UserError, match="`max_training_rows` must be at least 1"):
            suggest_plan(database, week, first=0, max_training_rows=0)


@pytest.mark.parametrize(("training", "validation", "name"), [(80, 86, "validation"), (79, 87, "test")])
def test_overlapping_label_windows_are_refused(tmp_path: Path, training: int, validation: int, name: str) -> None:
    plan = TrainingPlan(training_ns=(day_ns(training),), validation_ns=(day_ns(validation),), test_ns=(day_ns(93),))
    with shop(tmp_path) as database, pytest.raises(UserError, match=f"first {name} cut-off.*\n\nhint: .* 7 days"):
        plan.check(bound(database, WEEK))


def test_static_rows_are_split_by_their_own_time(tmp_path: Path) -> None:
    with shop(tmp_path) as database:
        query = bound(database, "PREDICT orders.late FOR EACH orders.order_id")
        plan = suggest_plan(database, query)
    assert (plan.validation_ns, plan.test_ns) == ((day_ns(80),), (day_ns(90),))
    times = np.array([day_ns(n) for n in (79, 80, 89, 90)])
    assert plan.split(query, times).tolist() == ["train", "validation", "validation", "test"]


def test_static_rows_without_a_time_are_split_at_random(tmp_path: Path) -> None:
    with shop(tmp_path) as database:
        query = bound(database, "PREDICT users.age FOR EACH users.user_id")
        plan = suggest_plan(database, query)
    split = plan.split(query, np.zeros(1000, np.int64))
    assert [int((split == name).sum()) for name in ("train", "validation", "test")] == [800, 100, 100]
    assert (split == plan.split(query, np.zeros(1000, np.int64))).all()


def test_many_entities_keep_the_newest_cut_offs(tmp_path: Path) -> None:
    with shop(tmp_path) as database:
        plan = suggest_plan(database, bound(database, WEEK), max_training_rows=1)
    assert len(plan.training_ns) == 8
    assert plan.training_ns[-1] == day_ns(79)
    assert "older cut-offs left out" in plan.reasons[-1]


def test_rows_dated_in_the_future_do_not_move_the_cut_offs(tmp_path: Path) -> None:
    with shop(tmp_path / "sound") as database:
        expected = suggest_plan(database, bound(database, WEEK))
    with shop(tmp_path / "odd") as database:
        database.connection.execute("CREATE TABLE planted AS SELECT * FROM orders")
        database.connection.execute("UPDATE planted SET placed = TIMESTAMP '2199-01-01' WHERE order_id = 50")
        database.connection.execute("DROP VIEW orders; ALTER TABLE planted RENAME TO orders")
        assert suggest_plan(database, bound(database, WEEK)) == expected
