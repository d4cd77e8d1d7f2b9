"""`query` for a ranking, and its statement in other dialects."""

import json
from pathlib import Path

import pytest

from tests.cli.test_main import stillhouse
from tests.model.little_tables import day, write_tables

RANKING = "PREDICT LIST_DISTINCT(orders.item_id, 0, 7, days) RANK TOP 3 FOR EACH users.user_id"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data")
    write_tables(
        path / "tables",
        users={"user_id": [0, 1, 2], "age": [20.5, 30.0, 40.0]},
        items={"item_id": list(range(5)), "size": [1.5, 2.5, 3.5, 4.5, 5.5]},
        orders={
            "order_id": list(range(101)),
            "user_id": [n % 3 for n in range(101)],
            "item_id": [n % 5 for n in range(101)],
            "placed": [day(n) for n in range(101)],
        },
    )
    assert stillhouse("check", "--run", str(path)).returncode == 0
    return path


def test_a_ranking_has_a_training_table(folder: Path) -> None:
    made = stillhouse("query", RANKING, "--run", str(folder), "--json")
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    assert (document["task"], document["rows"]["test"]) == ("link", 3)


def test_a_statement_is_printed_and_nothing_labelled(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = stillhouse("query", RANKING, "--sql", "snowflake", "--run", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("WITH cutoffs AS (")
    assert "ARRAY_AGG(DISTINCT" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    unknown = stillhouse("query", RANKING, "--sql", "oracle", "--run", str(folder))
    assert unknown.returncode == 1
    assert "no such SQL dialect (got `oracle`)" in unknown.stderr
