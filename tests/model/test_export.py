import ast
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from model.artifact import read_artifact, write_artifact
from model.compile import LIBRARY
from model.contract import Datatype, Role, read_contract
from model.errors import UserError
from model.export import ENTRY_MODULE, SERVED_MODULES, ExportSettings, config_pbtxt, export_repository
from model.task import TaskHead
from tests.model.served_model import DEEP_DIGEST, NAME, ServedModel, make_served_model, write_embeddings

PATH = "customers.id->transactions.customer"
SOURCES = Path(__file__).resolve().parents[2] / "model" / "served"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return make_served_model(tmp_path_factory.mktemp("served"))


def test_the_repository_says_what_it_came_from(served: ServedModel) -> None:
    artifact = read_artifact(served.repository, kind="triton_repository", verify=True)
    assert artifact.parents == {
        "deep": DEEP_DIGEST,
        "distilled": read_artifact(served.distilled, kind="distilled").digest,
        "embeddings": read_artifact(served.embeddings, kind="embeddings").digest,
    }
    version = served.repository / NAME / "1"
    assert (version / "contract.json").read_text() == (served.repository / "contract.json").read_text()
    for name in ("keys.npy", "vectors.npy", "embeddings.json"):
        assert (version / "embeddings" / name).read_bytes() == (served.embeddings / name).read_bytes()


def test_the_contract_names_and_types_every_tensor(served: ServedModel) -> None:
    contract = read_contract(served.repository)
    assert [(spec.name, spec.datatype, spec.role) for spec in contract.inputs] == [
        ("anchor_time", Datatype.INT64, Role.ANCHOR_TIME),
        ("customers.id", Datatype.INT64, Role.FACT),
        ("customers.age", Datatype.INT64, Role.FACT),
        ("customers.joined", Datatype.INT64, Role.FACT),
        ("customers.club", Datatype.BYTES, Role.FACT),
        ("customers.member", Datatype.INT64, Role.FACT),
        (f"{PATH}:t", Datatype.INT64, Role.INTERACTION),
        (f"{PATH}:price", Datatype.FP32, Role.INTERACTION),
        (f"{PATH}:channel", Datatype.INT64, Role.INTERACTION),
        (f"{PATH}:article", Datatype.BYTES, Role.INTERACTION),
    ]
    assert contract.embedding_key == "customers.id"
    assert contract.base_digest == DEEP_DIGEST
    (history,) = contract.interactions
    assert (history.path, history.table, history.time_tensor, history.max_rows) == (
        PATH, "transactions", f"{PATH}:t", 32,
    )  # fmt: skip


def test_triton_batches_ragged_histories_and_takes_left_out_facts(served: ServedModel) -> None:
    text = config_pbtxt(served.contract, ExportSettings(max_batch_size=8, instances=3, max_queue_delay_us=50), "numpy")
    assert 'backend: "python"\ndefault_model_filename: "triton_model.py"\n' in text
    assert "max_batch_size: 8\n" in text
    assert "count: 3 kind: KIND_CPU" in text
    assert "dynamic_batching { max_queue_delay_microseconds: 50 }" in text
    lines = {line.split('"')[1]: line for line in text.splitlines() if line.startswith("  { name:")}
    assert "dims: [ -1, 1 ] allow_ragged_batch: true" in lines[f"{PATH}:article"]
    assert "TYPE_STRING dims: [ 1 ] optional: true" in lines["customers.club"]
    assert "optional" not in lines["customers.id"] + lines["anchor_time"]


def test_the_compiled_engine_has_a_batcher_only_where_requests_may_wait(served: ServedModel) -> None:
    assert "dynamic_batching" not in config_pbtxt(served.contract, ExportSettings(), "compiled")
    assert "dynamic_batching" in config_pbtxt(served.contract, ExportSettings(max_queue_delay_us=50), "compiled")
    assert "dynamic_batching" in config_pbtxt(served.contract, ExportSettings(), "numpy")


def test_what_the_compiled_engine_does_not_know_runs_in_numpy(served: ServedModel, tmp_path: Path) -> None:
    features = json.loads((served.distilled / "features.json").read_text())
    features["entity"]["colours"] = [{"column": "age"}]
    with write_artifact(tmp_path / "odd", kind="distilled", parents={"deep": DEEP_DIGEST}) as draft:
        for file in served.distilled.iterdir():
            shutil.copyfile(file, draft.path / file.name)
        (draft.path / "features.json").write_text(json.dumps(features))
    with pytest.raises(UserError, match=r"cannot run this model.*`colours` are not known"):
        _export(served, tmp_path / "odd", served.embeddings, tmp_path / "out", engine="compiled")
    _export(served, tmp_path / "odd", served.embeddings, tmp_path / "out")
    metrics = read_artifact(tmp_path / "out", kind="triton_repository").metrics
    assert metrics["engine"] == "numpy"
    assert "`colours` are not known" in metrics["engine_reason"]
    version = tmp_path / "out" / NAME / "1"
    assert (version / f"{ENTRY_MODULE}.py").exists()
    assert not (version / LIBRARY).exists()


def test_answers_of_several_numbers_run_in_numpy_and_it_says_why(tmp_path: Path) -> None:
    head = TaskHead(kind="multiclass", classes=("blue", "red"))
    served = make_served_model(tmp_path, "auto", head)
    metrics = read_artifact(served.repository, kind="triton_repository").metrics
    assert metrics["engine"] == "numpy"
    assert metrics["engine_reason"].endswith("only binary and regression are compiled (got multiclass)")
    assert (served.contract.classes, served.contract.num_scores) == (("blue", "red"), 2)
    assert "dims: [ 2 ]" in (served.repository / NAME / "config.pbtxt").read_text()
    with pytest.raises(UserError, match="only binary and regression are compiled"):
        _export(served, served.distilled, served.embeddings, tmp_path / "out", engine="compiled")


def test_a_compiled_model_holds_no_python(served: ServedModel) -> None:
    assert read_artifact(served.repository, kind="triton_repository").metrics["engine"] == "compiled"
    version = served.repository / NAME / "1"
    assert 'backend: "stillhouse"' in (version.parent / "config.pbtxt").read_text()
    assert (version / LIBRARY).exists()
    assert not list(version.rglob("*.py"))


def test_embeddings_of_another_deep_model_are_refused(served: ServedModel, tmp_path: Path) -> None:
    write_embeddings(tmp_path / "foreign", np.array([1, 2]), 0, base_digest="sha256:" + "f" * 64)
    with pytest.raises(UserError, match=r"embeddings of the deep model sha256:f+;.*distilled from sha256:d+"):
        _export(served, served.distilled, tmp_path / "foreign", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_for_comparison_is_refused(served: ServedModel, tmp_path: Path) -> None:
    with write_artifact(tmp_path / "ablation", kind="distilled", parents={"deep": DEEP_DIGEST}) as draft:
        for file in served.distilled.iterdir():
            shutil.copyfile(file, draft.path / file.name)
        settings = json.loads((draft.path / "settings.json").read_text())
        (draft.path / "settings.json").write_text(json.dumps(settings | {"use_embedding": False}))
    with pytest.raises(UserError, match="trained without embeddings"):
        _export(served, tmp_path / "ablation", served.embeddings, tmp_path / "out")


@pytest.mark.parametrize("name", ["", "Churn", "a/b", "-a", "a_b", "a-"])
def test_a_name_that_cannot_stand_in_a_url_is_refused(served: ServedModel, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="small letters, digits and inner hyphens"):
        _export(served, served.distilled, served.embeddings, tmp_path / "out", name=name)


def _export(
    served: ServedModel,
    distilled: Path,
    embeddings: Path,
    out: Path,
    name: str = NAME,
    engine: Literal["auto", "compiled"] = "auto",
) -> None:
    settings = ExportSettings(engine=engine)
    export_repository(distilled, embeddings, out, graph=served.store.graph, model_name=name, settings=settings)


def test_column_names_with_quotes_stay_in_their_strings(served: ServedModel) -> None:
    spec = served.contract.inputs[2].model_copy(update={"name": 'customers.a"b\\c'})
    odd = served.contract.model_copy(update={"inputs": (spec,)})
    assert r'name: "customers.a\"b\\c"' in config_pbtxt(odd, ExportSettings(), "compiled")


def test_served_sources_need_numpy_only() -> None:
    allowed = {"numpy", "triton_python_backend_utils", *(f"model.served.{name}" for name in SERVED_MODULES)}
    for name in (*SERVED_MODULES, ENTRY_MODULE):
        for node in ast.walk(ast.parse((SOURCES / f"{name}.py").read_text())):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for module in imported:
                known = module in allowed or module.split(".")[0] in {"numpy", *sys.stdlib_module_names}
                assert known, f"{name} imports {module}"


def test_settings_are_checked() -> None:
    with pytest.raises(UserError, match="`max_batch_size` must be at least 1"):
        replace(ExportSettings(), max_batch_size=0)
