"""A protocol from its tables to its figures on the tiny shop: every model, both regimes, and a run that was killed."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from model.deep.scores import load_deep
from model.errors import UserError
from model.protocol.outcome import Result, markdown, markdown_row, retention
from model.protocol.run import RESULT_FILE, run_protocol
from tests.model.little_tables import day, write_tables
from tests.model.protocol.samples import protocol

ROOT = Path(__file__).parents[3]
ALL = ["oracle", "lightgbm_entity", "lightgbm_dfs", "deep", "network", "distilled"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("protocol")


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    whole = protocol(models=ALL, seeds=1, row_visits=1024, compare=[["lightgbm_dfs", "lightgbm_entity"]])
    return run_protocol(whole, None, folder)


def test_every_model_is_judged_on_the_same_rows_in_both_regimes(result: Result, folder: Path) -> None:
    assert Result.model_validate_json((folder / RESULT_FILE).read_text()) == result
    assert set(result.regimes) == {"rolling", "frozen"}
    assert result.cutoffs["test"] == 2
    for regime in result.regimes.values():
        assert set(regime.models) == set(ALL)
        assert all(q.low <= q.mean <= q.high and len(q.seeds) == 1 for q in regime.models.values())
    rolling, frozen = result.regimes["rolling"].models, result.regimes["frozen"].models
    assert rolling["oracle"] == frozen["oracle"]
    assert rolling["oracle"].mean > rolling["lightgbm_dfs"].mean > rolling["lightgbm_entity"].mean
    assert rolling["lightgbm_dfs"].mean > frozen["lightgbm_dfs"].mean, "what happened since is worth something"
    assert result.regimes["rolling"].differences[0].low > 0


def test_the_student_is_measured_as_production_treats_it(result: Result) -> None:
    assert result.parameters_ratio is not None
    assert result.parameters_ratio >= 10
    assert set(result.staleness) == {"0h", "12h", "3d", "14d", "missing", "no_interactions", "stranger"}


def test_the_network_alone_is_printed_beside_the_mixture(result: Result, folder: Path) -> None:
    trees = load_deep(folder / "models" / "deep-0").trees
    assert trees is not None
    assert trees.share > 0
    models = result.regimes["rolling"].models
    assert models["network"].mean != models["deep"].mean


def test_tables_for_people_hold_every_model(result: Result) -> None:
    lines = markdown(result).splitlines()
    assert lines[0] == "| shop-churn | AUROC, rolling | AUROC, frozen | seeds |"
    assert [line.split("|")[1].strip() for line in lines[2:]] == [name.replace("_", " ") for name in ALL]
    assert all(name.replace("_", " ") in markdown_row(result) for name in ALL)


def test_what_was_scored_is_not_scored_again(result: Result, folder: Path) -> None:
    said: list[str] = []
    more = protocol(models=["lightgbm_entity"], compare=[], seeds=2, row_visits=1024)
    again = run_protocol(more, None, folder, say=said.append)
    assert [words.rsplit(" ", 1)[1] for words in said] == ["known", "done"]
    first = again.regimes["rolling"].models["lightgbm_entity"].seeds[0]
    assert first == result.regimes["rolling"].models["lightgbm_entity"].seeds[0]


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    document = protocol(models=["lightgbm_entity"], compare=[], regimes=["rolling"]).model_dump(mode="json")
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(document))
    command = [sys.executable, "-c", "from cli.main import main; main()", "evaluate"]
    command += ["--protocol", str(tmp_path / "p.yaml"), "--seeds", "6", "--run", str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as killed:
        assert killed.stderr is not None
        first = killed.stderr.readline()
        killed.kill()
    assert first.strip() == "shop-churn: lightgbm_entity, seed 0: done"
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = again.stderr.splitlines()
    assert told[0] == "shop-churn: lightgbm_entity, seed 0: known"
    assert told[5].startswith("shop-churn: lightgbm_entity, seed 5: ")
    assert "| lightgbm entity |" in again.stdout


def test_a_ranking_protocol(tmp_path: Path) -> None:
    # Users come back to one item of their own each week, and all buy what is in fashion that month.
    bought = [(u, at, u % 7 if at % 2 else 7 + int(at // 30)) for u in range(40) for at in range(1, 150, 3)]
    tables = write_tables(
        tmp_path / "shop",
        users={"user_id": list(range(40)), "age": [20.5 + n for n in range(40)]},
        items={"item_id": list(range(14)), "price": [0.5 + n for n in range(14)]},
        orders={
            "order_id": list(range(len(bought))),
            "user_id": [u for u, _, _ in bought],
            "item_id": [item for _, _, item in bought],
            "placed": [day(at) for _, at, _ in bought],
        },
    )
    asked = protocol(
        tables={"folder": "shop"},
        query="PREDICT LIST_DISTINCT(orders.item_id, 0, 7, days) RANK TOP 3 FOR EACH users.user_id",
        models=["popularity", "repeat", "deep"],
        compare=[["repeat", "popularity"], ["deep", "popularity"]],
        seeds=1,
        row_visits=512,
        validation="2024-04-20",
        test="2024-05-01",
        training={},
    )
    result = run_protocol(asked, tables, tmp_path / "run")
    assert result.metric == "map"
    assert result.regimes["rolling"].differences[0].low > 0
    assert 0 < result.regimes["frozen"].models["deep"].mean < 1
    with pytest.raises(UserError, match="`lightgbm_dfs`, which gives a score to each row"):
        run_protocol(asked.changed(models=["lightgbm_dfs"]), tables, tmp_path / "run")


@pytest.mark.parametrize(
    ("metric", "means", "kept"),
    [
        ("auroc", {"lightgbm_entity": 0.5, "deep": 0.7, "distilled": 0.69}, 0.95),
        ("mae", {"lightgbm_entity": 10.0, "deep": 6.0, "distilled": 7.0}, 0.75),
        ("map", {"popularity": 0.1, "deep": 0.3, "distilled": 0.3}, 1.0),
        ("auroc", {"lightgbm_entity": 0.5, "deep": 0.4, "distilled": 0.69}, None),
        ("auroc", {"lightgbm_entity": 0.5, "deep": 0.7}, None),
    ],
)
def test_retention_counts_from_the_simple_baseline(metric: str, means: dict[str, float], kept: float | None) -> None:
    assert retention(metric, means) == (None if kept is None else pytest.approx(kept))
