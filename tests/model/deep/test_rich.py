"""A deep model learns what only texts, lists of categories or given embeddings tell, and nothing of them from later."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.deep.network import DeepSettings
from model.deep.scores import load_deep, score_rows
from model.deep.train import TrainSettings, train_deep
from model.labels.training_table import TrainingTable
from model.metrics import auroc
from model.store.store import GraphStore, build_store, open_store
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables

NUM_USERS = 400
SETTINGS = TrainSettings(
    model=DeepSettings(width=16, num_layers=1, num_heads=2, feed_forward=32, embedding_dim=8),
    max_rows=6000,
    batch_rows=64,
    learning_rate=1e-2,
    num_evaluations=2,
)


def _store(folder: Path, name: str, values: Sequence[Any]) -> GraphStore:
    letters = {"letter_id": list(range(NUM_USERS)), "user_id": list(range(NUM_USERS)), name: values}
    letters["sent"] = [day(n % 9) for n in range(NUM_USERS)]
    write_tables(folder / "tables", users={"user_id": list(range(NUM_USERS))}, letters=letters)
    with open_database(folder / "tables") as database:
        build_store(database, folder / "graph")
    return open_store(folder / "graph")


@pytest.mark.parametrize("kind", ["text", "tags", "vector"])
def test_what_a_rich_column_tells_is_learned(kind: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    angry = rng.random(NUM_USERS) < 0.5
    values: dict[str, list[Any]] = {
        "text": [f"I {'want a refund for' if no else 'am fond of'} article {n} of yours" for n, no in enumerate(angry)],
        "tags": [["letter", "complaint" if no else "praise"] for no in angry],
        "vector": [[float(rng.normal()), float(rng.normal() + 4 * no)] for no in angry],
    }
    store = _store(tmp_path, kind, values[kind])
    split = np.array((["train"] * 6 + ["validation"] * 2 + ["test"] * 2) * (NUM_USERS // 10))
    table = TrainingTable(
        entity_table="users",
        entity=np.arange(NUM_USERS),
        cutoff_ns=np.full(NUM_USERS, day_ns(20)),
        label=angry.astype(np.float32),
        split=split,
    )
    train_deep(store, table, "binary", tmp_path / "deep", SETTINGS)
    deep, test = load_deep(tmp_path / "deep"), table.rows("test")
    logit, _ = score_rows(store, deep, store.rows_of("users", table.entity[test]), day_ns(20))
    assert auroc(table.label[test], logit) > 0.9
    before, _ = score_rows(store, deep, store.rows_of("users", table.entity[test]), day_ns(-1))
    assert len(set(before.tolist())) == 1
