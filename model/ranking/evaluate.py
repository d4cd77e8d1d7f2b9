"""Test rows ranked by a model and by both baselines: an artifact of kind `evaluation`, as `model/evaluate.py` has it.

`scores.parquet` holds each row's average precision at K by model, and the number of items that were right as `label`.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import Artifact, read_artifact, write_artifact
from model.deep.train import entity_rows
from model.errors import UserError
from model.evaluate import QUALITY_FILE, SCORES_FILE
from model.labels.training_table import TrainingTable
from model.metrics import bootstrap, bootstrap_difference, mean_score
from model.progress import Progress, silent
from model.ranking.baselines import BASELINES, best_baseline
from model.ranking.hits import precisions, recalls
from model.ranking.items import Items
from model.ranking.ranker import load_ranker, rank_rows
from model.ranking.train import item_rows
from model.store.store import GraphStore


def evaluate_ranking(
    store: GraphStore,
    table: TrainingTable,
    ranker_path: Path,
    path: Path,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Artifact:
    """Rank the test rows and write how good each ranking is, with intervals and paired differences.

    Raises:
        UserError: no test rows, or a model of other tables.
    """
    test, validation = table.rows("test"), table.rows("validation")
    if len(test) == 0:
        raise UserError("there is no test row to evaluate on", hint="choose an earlier test cut-off")
    artifact = read_artifact(ranker_path, kind="ranking")
    if artifact.parents.get("graph") != store.artifact.digest:
        raise UserError(
            f"`{ranker_path}` was trained on other tables than `{store.artifact.path}` holds", hint="train again"
        )
    ranker = load_ranker(ranker_path)
    rows, positives, top = entity_rows(store, table), item_rows(store, table, ranker.what), ranker.what.top
    items = Items(store, ranker.what)
    rankings = {"ranking": rank_rows(store, ranker, rows[test], table.cutoff_ns[test], top, progress)[0]}
    for name in BASELINES:
        rank = best_baseline(
            name, items, rows[validation], table.cutoff_ns[validation], positives.take(validation), top
        )  # fmt: skip
        rankings[name] = rank(rows[test], table.cutoff_ns[test])
    right = positives.take(test)
    label = right.lengths().astype(np.float64)
    scores = {name: precisions(right, ranking) for name, ranking in rankings.items()}
    document = {
        "metric": f"map@{top}",
        "quality": {model: asdict(one) for model, one in bootstrap(mean_score, label, scores, seed=seed).items()},
        "recall": {
            model: asdict(one)
            for model, one in bootstrap(
                mean_score, label, {name: recalls(right, ranking) for name, ranking in rankings.items()}, seed=seed
            ).items()
        },
        "difference": {
            name: asdict(bootstrap_difference(mean_score, label, scores["ranking"], scores[name], seed=seed))
            for name in BASELINES
        },
        "fidelity": None,
    }
    parents = {"graph": store.artifact.digest, "ranking": artifact.digest}
    with write_artifact(path, kind="evaluation", parents=parents, settings={"seed": seed}) as draft:
        pq.write_table(pa.table({"label": label, **scores}), draft.path / SCORES_FILE)
        (draft.path / QUALITY_FILE).write_text(json.dumps(document, indent=2) + "\n")
        draft.metrics.update(document)
    return read_artifact(path, kind="evaluation")
