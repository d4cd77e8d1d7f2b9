"""RelBench's three Formula 1 tasks as shipped, on small tables of that form: labels by plain SQL, every model."""

from pathlib import Path

import duckdb
import pytest

from model.errors import UserError
from model.protocol.bench import open_bench
from model.protocol.outcome import markdown
from model.protocol.protocol import FolderTables, read_protocol
from model.protocol.run import run_protocol
from model.protocol.tables import find_folder
from tests.model.racing import write_racing

SHIPPED = Path(__file__).parents[3] / "protocols"
RULES = {
    "driver-dnf": ("results", 30, "max((f.statusId != 1)::INT)"),
    "driver-top3": ("qualifying", 30, "(min(f.position) <= 3)::INT"),
    "driver-position": ("results", 60, "avg(f.positionOrder)"),
}
"""Task -> the table that makes the label, days of its window, the label."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As RelBench's cache lies: the data set's folder, and `db` below it."""
    folder = tmp_path_factory.mktemp("cache")
    write_racing(folder / "rel-f1" / "db")
    (folder / "rel-f1" / "tasks").mkdir()
    return folder


@pytest.mark.parametrize("task", RULES)
def test_rows_and_labels_are_those_of_the_rule(task: str, tables: Path, tmp_path: Path) -> None:
    protocol = read_protocol(SHIPPED / f"rel-f1-{task}.yaml")
    table, days, label = RULES[task]
    with open_bench(protocol, tables, tmp_path) as bench:
        rows = bench.table
        found = {
            (int(entity), int(at)): (split, float(value))
            for entity, at, split, value in zip(rows.entity, rows.cutoff_ns, rows.split, rows.label, strict=True)
        }
    source, last = (f"'{tables}/rel-f1/db/{name}.parquet'" for name in (table, "results"))
    sql = f"""
        WITH moments AS (
            SELECT DATE '2005-01-01' - INTERVAL ({days} * n) DAY AS t, 'train' AS split FROM range(1, 400) r(n)
            UNION ALL SELECT t, 'validation' FROM (
                SELECT DATE '2005-01-01' + INTERVAL ({days} * n) DAY AS t FROM range(0, 40) r(n)
            ) WHERE t + INTERVAL {days} DAY <= DATE '2010-01-01'
            UNION ALL SELECT DATE '2010-01-01' + INTERVAL ({days} * n) DAY, 'test' FROM range(0, 40) r(n)
            WHERE DATE '2010-01-01' + INTERVAL ({days} * (n + 1)) DAY <= (SELECT max(date) FROM {last})
        )
        SELECT f.driverId, epoch_ns(t), any_value(split), {label}
        FROM moments JOIN {source} AS f ON f.date > t AND f.date <= t + INTERVAL {days} DAY
        WHERE f.driverId IN (
            SELECT driverId FROM {source} AS p WHERE p.date > t - INTERVAL 365 DAY AND p.date <= t
        )
        GROUP BY f.driverId, t
    """
    expected = {(entity, at): (split, value) for entity, at, split, value in duckdb.connect().execute(sql).fetchall()}
    assert {split for split, _ in expected.values()} == {"train", "validation", "test"}
    assert found.keys() == expected.keys()
    for place, (split, value) in expected.items():
        assert found[place][0] == split
        assert found[place][1] == pytest.approx(value), place


def test_every_model_does_it(tables: Path, tmp_path: Path) -> None:
    protocol = read_protocol(SHIPPED / "rel-f1-driver-position.yaml").changed(seeds=1, row_visits=512)
    result = run_protocol(protocol, tables, tmp_path)
    assert result.metric == "mae"
    for regime in result.regimes.values():
        assert set(regime.models) == set(protocol.models)
    rolling = result.regimes["rolling"].models
    assert rolling["lightgbm_dfs"].mean < rolling["lightgbm_entity"].mean, "skill shows in what a driver did"
    assert "| RelGT (arXiv 2505.10960) |" in markdown(result)


def test_the_tables_are_found_from_wherever_one_points(tables: Path) -> None:
    named = FolderTables(folder="rel-f1")
    for given in (tables, tables / "rel-f1", tables / "rel-f1" / "db"):
        assert find_folder(named, given).resolve() == (tables / "rel-f1" / "db").resolve()
    with pytest.raises(UserError, match="no tables `rel-f1`") as caught:
        find_folder(named, tables / "rel-f1" / "tasks")
    assert "link yours under this name" in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "metric"),
    [
        ("LAST(results.statusId, 0, 60, days)", "accuracy"),
        ("LIST_DISTINCT(results.statusId, 0, 60, days)", "macro_auroc"),
        ("SUM(results.points, 0, 30, days) FORECAST 2 TIMEFRAMES", "mae"),
    ],
)
def test_every_task_is_judged(asked: str, metric: str, tables: Path, tmp_path: Path) -> None:
    base = read_protocol(SHIPPED / "rel-f1-driver-position.yaml").changed(seeds=1, row_visits=128)
    query = f"PREDICT {asked} FOR EACH drivers.driverId WHERE COUNT(results.*, -365, 0, days) > 0"
    protocol = base.model_copy(update={"query": query, "published": (), "regimes": ("rolling",)})
    result = run_protocol(protocol, tables, tmp_path)
    assert result.metric == metric
    rolling = result.regimes["rolling"]
    assert set(rolling.models) == set(base.models)
    assert all(q.low <= q.mean <= q.high for q in rolling.models.values())
    assert len(rolling.differences) == len(base.compare)
    assert set(result.staleness) >= {"0h", "missing"}
    again = run_protocol(protocol, tables, tmp_path)
    assert again.regimes == result.regimes, "scores of several numbers a row are read back"


def test_who_cannot_is_refused_with_a_reason(tables: Path, tmp_path: Path) -> None:
    base = read_protocol(SHIPPED / "rel-f1-driver-position.yaml")
    ranking = base.changed(models=["lightgbm_dfs"]).model_copy(
        update={"query": "PREDICT LIST_DISTINCT(results.raceId, 0, 60, days) RANK TOP 3 FOR EACH drivers.driverId"}
    )
    with pytest.raises(UserError, match="gives a score to each row") as caught:
        run_protocol(ranking, tables, tmp_path)
    assert "CLASSIFY" in str(caught.value)
    with pytest.raises(UserError, match="orders items"):
        run_protocol(base.changed(models=["repeat"]), tables, tmp_path)
