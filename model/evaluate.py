"""The test rows scored by every model of a run: `scores.parquet`, and each quality with its interval.

stillhouse evaluate --run runs/shop
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import spearmanr

from model.artifact import Artifact, read_artifact, write_artifact
from model.baselines.boosted import lightgbm_dfs, lightgbm_entity
from model.deep.scores import load_deep
from model.distilled.lesson import teach
from model.distilled.scores import load_distilled, score_table
from model.errors import UserError
from model.labels.table_file import as_column, from_column
from model.labels.training_table import TrainingTable
from model.metrics import Interval, bootstrap
from model.progress import Progress, part, silent
from model.quality import main_metric
from model.query import BoundQuery
from model.store.store import GraphStore
from model.tables.database import Database

SCORES_FILE = "scores.parquet"
QUALITY_FILE = "quality.json"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """Which artifacts to score."""

    deep: Path
    distilled: Path
    distilled_without_embedding: Path | None = None
    """A student trained without embeddings, to show what they are worth; None leaves it out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What an `evaluation` artifact holds."""

    metric: str
    """The task's main one (`model.quality`): `mae` is better when lower, all others when higher."""
    quality: Mapping[str, Interval]
    fidelity: float
    """Spearman correlation of the distilled model's scores with the deep model's; NaN where none was distilled."""
    label: Floats
    """[rows], or [rows, K] for multilabel and forecast."""
    scores: Mapping[str, Floats]
    """[rows] or [rows, K] of each model."""


def evaluate(
    database: Database,
    store: GraphStore,
    bound: BoundQuery,
    table: TrainingTable,
    models: Models,
    path: Path,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Artifact:
    """Score the test rows under production conditions and write them at `path` (kind `evaluation`).

    The deep model sees everything up to each cut-off; the distilled ones an embedding as old as production would have.
    Both LightGBMs train on the same training rows.
    """
    test = table.rows("test")
    if len(test) == 0:
        raise UserError("there is no test row to evaluate on", hint="choose an earlier test cut-off")
    deep, distilled = load_deep(models.deep), load_distilled(models.distilled)
    if distilled.artifact.parents["deep"] != deep.digest:
        raise UserError(f"`{models.distilled}` was not distilled from `{models.deep}`", hint="distil again")
    _refuse_other_tables(store, {"deep": models.deep, "distilled": models.distilled})
    lesson = teach(store, table, deep, test, distilled.requests, seed, part(progress, 0, 600))
    scores: dict[str, Floats] = {"deep": deep.head.answer(lesson.teacher_R).astype(np.float64)}
    scores["distilled"] = score_table(store, table, distilled, lesson).astype(np.float64)
    if models.distilled_without_embedding is not None:
        ablation = load_distilled(models.distilled_without_embedding)
        scores["distilled_without_embedding"] = score_table(store, table, ablation, lesson).astype(np.float64)
    scores["lightgbm_entity"] = lightgbm_entity(database, table, bound)[test].astype(np.float64)
    progress(750, 1000)
    scores["lightgbm_dfs"] = lightgbm_dfs(database, table, bound)[test].astype(np.float64)
    label = deep.head.label(table, test).astype(np.float64)
    name, metric = main_metric(deep.task)
    quality = bootstrap(metric, label, scores, seed=seed)
    document = {
        "metric": name,
        "quality": {model: asdict(interval) for model, interval in quality.items()},
        "fidelity": float(spearmanr(scores["distilled"].ravel(), scores["deep"].ravel()).statistic),
    }
    parents = {"graph": store.artifact.digest, "deep": deep.digest, "distilled": distilled.artifact.digest}
    with write_artifact(path, kind="evaluation", parents=parents, settings={"seed": seed}) as draft:
        columns = {name: as_column(values) for name, values in {"label": label, **scores}.items()}
        pq.write_table(pa.table(columns), draft.path / SCORES_FILE)
        (draft.path / QUALITY_FILE).write_text(json.dumps(document, indent=2) + "\n")
        draft.metrics.update(document)
    progress(1000, 1000)
    return read_artifact(path, kind="evaluation")


def read_evaluation(path: Path) -> Evaluation:
    """Read what `evaluate` wrote."""
    read_artifact(path, kind="evaluation")
    document = json.loads((path / QUALITY_FILE).read_text())
    columns = {name: from_column(column).astype(np.float64) for name, column in zip(*_columns(path), strict=True)}
    return Evaluation(
        metric=document["metric"],
        quality={model: Interval(**interval) for model, interval in document["quality"].items()},
        fidelity=float("nan") if document["fidelity"] is None else document["fidelity"],
        label=columns.pop("label"),
        scores=columns,
    )


def _refuse_other_tables(store: GraphStore, models: Mapping[str, Path]) -> None:
    for kind, path in models.items():
        if read_artifact(path, kind=kind).parents.get("graph") != store.artifact.digest:
            raise UserError(
                f"`{path}` was trained on other tables than `{store.artifact.path}` holds", hint="train again"
            )


def _columns(path: Path) -> tuple[list[str], list[pa.ChunkedArray]]:
    table = pq.read_table(path / SCORES_FILE)
    return table.column_names, table.columns
