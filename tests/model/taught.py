"""A deep model that learned for a moment, and a table to distil it with, for tests."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from model.deep.network import DeepSettings
from model.deep.scores import Deep, load_deep
from model.deep.train import TrainSettings, train_deep
from model.distilled.network import NetworkSettings
from model.labels.training_table import TrainingTable
from model.query.bound import TrainableTask
from model.served.inputs import Int
from model.store.store import GraphStore
from tests.model.small_shop import TO_CUSTOMER, at_day, small_store

HORIZON_DAYS = {"binary": 2, "regression": 10}
SETTINGS = TrainSettings(
    model=DeepSettings(width=32, num_layers=1, num_heads=2, feed_forward=64, embedding_dim=8),
    max_rows=256,
    num_evaluations=1,
)
STUDENT = NetworkSettings(width=8, num_layers=2, num_heads=2, feedforward=8, category_dim=2)
"""Small enough for the small teacher."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taught:
    store: GraphStore
    table: TrainingTable
    deep_path: Path
    deep: Deep


def make_taught(folder: Path, task: TrainableTask = "binary") -> Taught:
    """Label: no purchase in the next two days, or for a regression a hundred times the purchases of the next ten."""
    # Threads wait for each other longer than these small networks take.
    torch.set_num_threads(1)
    store = small_store(folder / "graph", num_customers=60, num_transactions=2500)
    table = _table(store, task)
    train_deep(store, table, task, folder / "deep", SETTINGS)
    return Taught(store=store, table=table, deep_path=folder / "deep", deep=load_deep(folder / "deep"))


def _table(store: GraphStore, task: TrainableTask) -> TrainingTable:
    keys = np.sort(store.keys("customers").astype(np.int64))
    days = np.arange(20, 90, 5)
    cutoff_ns = np.repeat([at_day(float(day)) for day in days], len(keys))
    entity = np.tile(keys, len(days))
    splits = np.where(days < 70, "train", np.where(days < 80, "validation", "test"))
    bought = _purchases(store, entity, cutoff_ns, cutoff_ns + (at_day(HORIZON_DAYS[task]) - at_day(0)))
    return TrainingTable(
        entity_table="customers",
        entity=entity,
        cutoff_ns=cutoff_ns,
        label=((bought == 0) if task == "binary" else 100 * bought).astype(np.float32),
        split=np.repeat(splits, len(keys)),
    )


def _purchases(store: GraphStore, entity: Int, after_ns: Int, upto_ns: Int) -> Int:
    parents, times = np.asarray(store.parent_rows(TO_CUSTOMER)), store.row_times("transactions")
    rows = store.rows_of("customers", entity)
    ranges = zip(rows.tolist(), after_ns.tolist(), upto_ns.tolist(), strict=True)
    counts = [np.count_nonzero((parents == row) & (times > after) & (times <= upto)) for row, after, upto in ranges]
    return np.array(counts, np.int64)
