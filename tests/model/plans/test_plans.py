"""Plans say why, can be changed, and train to what the command line trains to."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.main import app
from model.artifact import read_artifact
from model.errors import UserError
from model.labels.training_table import read_training_table
from model.plans import (
    DistillationTrainer,
    ModelPlan,
    Trainer,
    suggest_distilled_model_plan,
    suggest_model_plan,
)
from model.predictions import read_predictions
from model.query import bind_query, parse_query
from model.run_folder import RunFolder
from model.store.store import open_store
from tests.model.little_tables import day, write_tables

QUERY = "PREDICT COUNT(transactions.*, 0, 30, days) = 0 FOR EACH customers.customer_id"
RANKED = "PREDICT LIST_DISTINCT(transactions.article_id, 0, 30, days) RANK TOP 3 FOR EACH customers.customer_id"
DOCUMENT = Path(__file__).parents[3] / "docs" / "training.md"


def invoke(folder: Path, *arguments: str) -> Result:
    """A verb in this process: torch is here already."""
    return CliRunner().invoke(app, [*arguments, "--run", str(folder)])


def run(folder: Path, *arguments: str) -> Any:
    done = invoke(folder, *arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def write_shop(folder: Path) -> None:
    """Sixty customers who buy every few days or seldom, for eight months."""
    rng = np.random.default_rng(4)
    customer, placed = [], []
    for number in range(60):
        times = np.cumsum(rng.exponential(5 if number % 2 else 40, 60))
        times = times[times < 240]
        customer += [number] * len(times)
        placed += [day(float(time)) for time in times]
    article = [f"a{number}" for number in rng.integers(0, 12, len(customer))]
    write_tables(
        folder,
        customers={"customer_id": list(range(60)), "town": ["Lyon", "Metz", "Lyon"] * 20},
        articles={"article_id": [f"a{number}" for number in range(12)], "size": [float(n % 4) for n in range(12)]},
        transactions={
            "transaction_id": list(range(len(customer))), "customer_id": customer, "article_id": article, "t": placed,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that the command line has trained."""
    path = tmp_path_factory.mktemp("plans") / "run"
    write_shop(path / "tables")
    run(path, "check")
    run(path, "query", QUERY)
    run(path, "train", "--rows", "600")
    run(path, "distill", "--epochs", "1")
    return RunFolder(path)


def plan_of(folder: RunFolder) -> ModelPlan:
    store = open_store(folder.graph)
    return suggest_model_plan(
        store, bind_query(parse_query(QUERY), store.graph), read_training_table(folder.training_table)
    )


def test_a_notebook_trains_to_the_same_artifacts_as_the_command_line(folder: RunFolder, tmp_path: Path) -> None:
    store, table = open_store(folder.graph), read_training_table(folder.training_table)
    trainer = Trainer(plan_of(folder).edit({"max_rows": 600}), tmp_path)
    assert trainer.fit(store, table).digest == read_artifact(folder.deep, kind="deep").digest
    plan = suggest_distilled_model_plan(store, table, trainer.path).edit({"loop.epochs": 1})
    distilled = DistillationTrainer(plan, trainer.path, tmp_path).fit(store, table)
    assert distilled.digest == read_artifact(folder.distilled(), kind="distilled").digest


def test_answers_and_embeddings_come_from_one_call(folder: RunFolder, tmp_path: Path) -> None:
    store = open_store(folder.graph)
    trainer = Trainer(plan_of(folder), folder.root)
    keys = store.keys("customers")[:7]
    made = trainer.predict(store, store.last_time_ns, output_types={"predictions", "embeddings"}, keys=keys)
    found = read_predictions(made["predictions"].path)
    assert found.column_names == ["key", "score"]
    assert found.num_rows == made["embeddings"].metrics["count"] == 7
    assert found["key"].to_pylist() == sorted(keys.tolist())
    assert all(0 < score < 1 for score in found["score"].to_pylist())
    with pytest.raises(UserError, match="no such output"):
        trainer.predict(store, store.last_time_ns, output_types={"labels"})  # type: ignore[arg-type]


def test_plans_print_as_yaml_with_reasons(folder: RunFolder) -> None:
    plan = plan_of(folder)
    assert yaml.safe_load(str(plan)) == {key: value for key, value in plan.to_json().items() if key != "reasons"}
    assert "# task binary: inferred from the query's target" in str(plan)
    found = run(folder.root, "suggest")
    assert found["model"] == plan.to_json()
    distilled = found["distilled_model"]
    assert distilled["distillation"]["embedding_keys"] == ["customers.customer_id"]
    assert distilled["distillation"]["real_time_interactions"] == {
        "customers.customer_id->transactions.customer_id": 32
    }
    assert "min_embedding_offset_hours: 12.0" in invoke(folder.root, "suggest").stdout


def test_a_plan_that_was_printed_trains_what_was_trained(folder: RunFolder, tmp_path: Path) -> None:
    for name in ("tables", "graph", "training_table"):
        (tmp_path / name).symlink_to(folder.root / name)
    printed = invoke(folder.root, "suggest").stdout
    edited = printed.replace("max_rows: 19200\n", "max_rows: 600\n", 1)
    assert edited != printed
    (tmp_path / "plan.yaml").write_text(edited)
    done = run(tmp_path, "train", "--plan", str(tmp_path / "plan.yaml"))
    assert done["digest"] == read_artifact(folder.deep, kind="deep").digest
    refused = invoke(tmp_path, "distill", "--plan", str(tmp_path / "none.yaml")).exception
    assert isinstance(refused, UserError)
    assert "cannot read the plan" in str(refused)


def test_plans_are_changed_by_name(folder: RunFolder) -> None:
    plan = plan_of(folder)
    edited = plan.edit({"model.width": 64, "seed": 3})
    assert (edited.settings.model.width, edited.settings.seed) == (64, 3)
    assert edited.reasons[-1] == "seed = 3: as asked"
    assert plan.settings.model.width != 64
    with pytest.raises(UserError, match=r"no setting `model.widht`\n\nhint: did you mean `width`"):
        plan.edit({"model.widht": 64})
    with pytest.raises(UserError, match="max_rows"):
        plan.edit({"max_rows": 0})
    with pytest.raises(UserError, match=r"no setting `seed\.x`"):
        plan.edit({"seed.x": 0})


def test_a_small_teacher_gets_a_smaller_student(folder: RunFolder, tmp_path: Path) -> None:
    store, table = open_store(folder.graph), read_training_table(folder.training_table)
    small = plan_of(folder).edit({"max_rows": 100, "model.width": 32, "model.feed_forward": 64, "num_evaluations": 1})
    trainer = Trainer(small, tmp_path)
    trainer.fit(store, table)
    plan = suggest_distilled_model_plan(store, table, trainer.path)
    assert plan.settings.network.width < suggest_distilled_model_plan(store, table, folder.deep).settings.network.width
    DistillationTrainer(
        plan.edit({"loop.epochs": 1, "max_train_rows": 50, "max_validation_rows": 50}), trainer.path, tmp_path
    ).fit(store, table)
    with pytest.raises(UserError, match="the plan is for the deep model"):
        DistillationTrainer(plan, folder.deep, tmp_path)


def test_a_ranking_goes_by_the_same_verbs(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "tables").symlink_to(folder.tables)
    (tmp_path / "graph").symlink_to(folder.graph)
    run(tmp_path, "query", RANKED)
    assert run(tmp_path, "suggest")["model"]["ranked"]["top"] == 3
    run(tmp_path, "train", "--rows", "200")
    found = run(tmp_path, "evaluate")
    assert found["metric"] == "map@3"
    assert set(found["quality"]) == {"ranking", "popular", "repeat"}
    run(tmp_path, "score")
    assert read_predictions(tmp_path / "predictions").column_names == ["key", "rank", "item", "score"]
    refused = invoke(tmp_path, "distill").exception
    assert isinstance(refused, UserError)
    assert "not distilled and served live yet" in str(refused)


def test_the_example_in_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(code.splitlines()) < 60
    write_shop(tmp_path / "runs" / "notebook" / "tables")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(DOCUMENT), "exec"), {})
    printed = capsys.readouterr().out
    assert "embedding_keys:" in printed
    assert "auroc" in printed
