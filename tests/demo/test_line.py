"""The model's half of the demo: what it leaves behind, and models that are asked about other tables."""

from dataclasses import replace
from pathlib import Path

import pytest

from demo.line import Labelled, judge
from demo.settings import DemoSettings
from model.artifact import read_artifact
from model.errors import UserError
from model.run_folder import RunFolder
from model.shop.simulate import PRESETS, generate_shop
from model.store.store import build_store, open_store
from model.tables.database import open_database
from tests.demo.test_run import quiet


def test_every_model_names_the_tables_that_it_learned_from(learned: tuple[RunFolder, Labelled]) -> None:
    folder, labelled = learned
    graph = labelled.store.artifact.digest
    deep = read_artifact(folder.deep, kind="deep", verify=True)
    assert deep.parents["graph"] == graph
    for name in ("distilled_first", "distilled", "distilled_without_embedding"):
        distilled = read_artifact(folder.distilled(name), kind="distilled", verify=True)
        assert (distilled.parents["graph"], distilled.parents["deep"]) == (graph, deep.digest)


def test_models_of_other_tables_are_refused(learned: tuple[RunFolder, Labelled], tmp_path: Path) -> None:
    folder, labelled = learned
    generate_shop(replace(PRESETS["tiny"], seed=9), tmp_path / "tables")
    with open_database(tmp_path / "tables") as database:
        build_store(database, tmp_path / "graph")
    other = replace(labelled, store=open_store(tmp_path / "graph"))
    with pytest.raises(UserError, match="was trained on other tables"):
        judge(folder, DemoSettings(folder=folder.root, preset="tiny"), other, quiet())
    assert not folder.evaluation.exists()
