"""The defaults, untouched, on ten small tables with everything that real ones have: the whole line by its verbs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from cli.main import app
from model.contract import read_contract
from model.run_folder import RunFolder
from model.served.predictor import Predictor
from tests.model.ten_tables import QUERY, write_ten_tables

pytestmark = pytest.mark.timeout(600)
Said = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder(tmp_path_factory.mktemp("ten") / "run")


@pytest.fixture(scope="module")
def said(folder: RunFolder) -> Iterator[Said]:
    """What each verb said; one process, since the verbs take longer to start than to work here."""
    tables = str(write_ten_tables(folder.root.parent / "tables"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield {
            arguments[0]: _run(folder.root, *arguments)
            for arguments in (
                ["check", "--tables", tables],
                ["query", QUERY, "--tables", tables],
                ["train", "--rows", "4000"],
                ["embed"],
                ["distill"],
                ["evaluate"],
                ["export", "v1", "--engine", "numpy"],
            )
        }
    finally:
        torch.set_num_threads(threads)


def _run(root: Path, *arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*arguments, "--run", str(root), "--json"])
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_link_is_found_and_nothing_is_wrong(said: Said) -> None:
    links = {f"{one['child_table']}.{one['child_column']}" for one in said["check"]["graph"]["links"]}
    assert links == {
        "accounts.customer_id",
        "customers.store_code",
        "order_lines.order_id",
        "order_lines.sku",
        "orders.customer_id",
        "orders.store_code",
        "products.supplier_id",
        "returns.customer_id",
        "returns.order_id",
        "tickets.customer_id",
        "transfers.from_account",
        "transfers.to_account",
    }
    assert {finding["level"] for finding in said["check"]["findings"]} <= {"warning", "info"}


def test_all_models_tell_who_comes_back(said: Said) -> None:
    quality = said["evaluate"]["quality"]
    assert set(quality) >= {"deep", "distilled", "lightgbm_entity", "lightgbm_dfs"}
    assert quality["deep"]["value"] > 0.5
    assert quality["distilled"]["value"] > 0.5


def test_what_was_exported_answers(said: Said, folder: RunFolder) -> None:
    repository = folder.repository("v1")
    assert {history.table for history in read_contract(repository).interactions} == {"orders", "returns", "tickets"}
    predictor = Predictor.open(repository / "online-model" / "1")
    embeddings = predictor.open_embeddings(folder.embeddings())
    assert len(embeddings.keys) == said["embed"]["metrics"]["count"] == 150
    score_B, _ = predictor.predict(predictor.warm_up_requests(), embeddings)
    assert ((score_B > 0) & (score_B < 1)).all()
