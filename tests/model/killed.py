"""Trains in a process of its own, says each step, and stops for good after one of them: to be killed by a test.

python -m tests.model.killed deep GRAPH TABLE ARTIFACT STOP_AFTER
python -m tests.model.killed distilled GRAPH TABLE ARTIFACT STOP_AFTER DEEP
python -m tests.model.killed ranking GRAPH TABLE ARTIFACT STOP_AFTER     # of tests/model/ranking/habits.py, in steps
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from model.checkpoint import Checkpoints
from model.deep.network import DeepSettings
from model.deep.train import TrainSettings, train_deep
from model.distilled.distill import DistillSettings, distill
from model.distilled.loop import LoopSettings
from model.labels.training_table import read_training_table
from model.progress import Progress, silent
from model.query import bind_query, parse_query
from model.ranking.items import ranked
from model.ranking.train import train_ranking
from model.store.store import open_store
from tests.model.ranking import habits
from tests.model.taught import STUDENT

DEEP = TrainSettings(
    model=DeepSettings(width=32, num_layers=1, num_heads=2, feed_forward=64, embedding_dim=8),
    max_rows=1280,
    batch_rows=32,
    num_evaluations=5,
    patience=5,
)
"""40 steps, which are 850 thousandths of the training."""
RANKING = replace(habits.SETTINGS, max_rows=800, num_evaluations=4, num_drawn=8)
DISTILLED = DistillSettings(network=STUDENT, loop=LoopSettings(epochs=3, batch_rows=64))


def train(
    kind: str, graph: Path, table: Path, path: Path, progress: Progress = silent, deep: Path | None = None
) -> None:
    """Write a checkpoint whenever it can be done."""
    torch.set_num_threads(1)
    store, rows, often = open_store(graph), read_training_table(table), Checkpoints(every_seconds=0)
    if kind == "ranking":
        what = ranked(bind_query(parse_query(habits.QUERY), store.graph), store)
        train_ranking(store, rows, what, path, RANKING, progress, checkpoints=often)
    elif kind == "deep":
        train_deep(store, rows, "binary", path, DEEP, progress, checkpoints=often)
    else:
        assert deep is not None
        distill(store, rows, deep, path, DISTILLED, progress, checkpoints=often)


def main(kind: str, graph: str, table: str, path: str, stop_after: str, *deep: str) -> None:
    """Say `step N` after each, in thousandths of the training; wait for the end after `stop_after` of them."""

    def tell(done: int, total: int) -> None:
        print("step", done, flush=True)
        if done >= int(stop_after):
            sys.stdin.read()

    train(kind, Path(graph), Path(table), Path(path), tell, *(Path(one) for one in deep))


if __name__ == "__main__":
    main(*sys.argv[1:])
