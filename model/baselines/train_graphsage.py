"""Trains GraphSAGE as RelBench's reference does: Adam, the weights best on the validation rows, L1 for values.

Legend: R rows, B rows of a batch; one number a row, or [R, K] by task.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model.baselines.graphsage import GraphSage, SageBatch, SageBatches, SageSettings
from model.deep.scores import ahead
from model.deep.train import entity_rows
from model.labels.training_table import TrainingTable
from model.progress import Progress, silent
from model.quality import main_metric
from model.query.bound import BoundQuery, trainable
from model.served.features import TableFeatures
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore
from model.task import TaskHead, task_head
from model.task_loss import label_loss

_SCORE_ROWS = 512
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sage:
    """A trained model, and how its output becomes an answer."""

    model: GraphSage
    features: dict[str, TableFeatures]
    settings: SageSettings
    head: TaskHead

    def score(self, store: GraphStore, table: TrainingTable, rows: Int64) -> Float32:
        """[R] or [R, K] answers for some rows of a table, as of their cut-offs; `store` may be a snapshot."""
        batches = SageBatches(store, table.entity_table, self.features, self.settings.sampler)
        entity, cutoff_ns = entity_rows(store, table)[rows], table.cutoff_ns[rows]
        starts = range(0, len(rows), _SCORE_ROWS)

        def build(start: int) -> SageBatch:
            return batches.build(entity[start : start + _SCORE_ROWS], cutoff_ns[start : start + _SCORE_ROWS])

        self.model.eval()
        with torch.inference_mode():
            found = [self.model(batch).numpy() for batch in ahead(starts, build)]
        output_R = np.concatenate(found) if found else np.empty((0, *self.head.shape), np.float32)
        return self.head.answer(self.head.rescale(output_R))


def train_graphsage(
    store: GraphStore,
    table: TrainingTable,
    bound: BoundQuery,
    *,
    row_visits: int,
    seed: int,
    settings: SageSettings | None = None,
    progress: Progress = silent,
) -> Sage:
    """Train on the training rows, so many visits in all.

    Raises:
        UserError: a link query.
    """
    settings = settings or SageSettings()
    head = task_head(trainable(bound.task), table)
    hidden = tuple(f"{name}.{column}" for name, column in bound.hidden_columns)
    train, rng = table.rows("train"), np.random.default_rng(seed)
    features = fit_features(store, int(table.cutoff_ns[train].max()), FeatureSettings(hidden=hidden))
    batches = SageBatches(store, table.entity_table, features, settings.sampler)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sage = Sage(
            model=GraphSage(store.graph, batches.sampler.steps, features, settings, head.shape),
            features=features,
            settings=settings,
            head=head,
        )
        _fit(store, table, sage, batches, _drawn(train, row_visits, settings.batch_rows, rng), rng, progress)
    return sage


def _fit(
    store: GraphStore,
    table: TrainingTable,
    sage: Sage,
    batches: SageBatches,
    drawn: Sequence[Int64],
    rng: np.random.Generator,
    progress: Progress,
) -> None:
    """The loop; leaves the best weights in the model."""
    model, settings = sage.model, sage.settings
    entity, validation = entity_rows(store, table), table.rows("validation")
    if len(validation) > settings.max_validation_rows:
        validation = np.sort(rng.choice(validation, settings.max_validation_rows, replace=False))
    target, label = torch.from_numpy(sage.head.target(table)), sage.head.label(table, validation)
    name, metric = main_metric(sage.head.kind)
    sign, once = -1 if name == "mae" else 1, np.ones(len(validation))
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    evaluate_at = {round(len(drawn) * (i + 1) / settings.num_evaluations) for i in range(settings.num_evaluations)}
    best, best_weights = -np.inf, copy.deepcopy(model.state_dict())

    def build(rows_B: Int64) -> tuple[Int64, SageBatch]:
        return rows_B, batches.build(entity[rows_B], table.cutoff_ns[rows_B])

    model.fit_scale(build(np.sort(np.concatenate(drawn[:8])))[1])
    for step, (rows_B, batch) in enumerate(ahead(drawn, build), start=1):
        model.train()
        optimizer.zero_grad()
        torch.autograd.backward(label_loss(sage.head.kind, model(batch), target[rows_B]))
        optimizer.step()
        progress(step, len(drawn))
        if step in evaluate_at:
            worth = sign * float(metric(label, sage.score(store, table, validation), once))
            if worth > best:
                best, best_weights = worth, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_weights)


def _drawn(train: Int64, row_visits: int, batch_rows: int, rng: np.random.Generator) -> list[Int64]:
    """Shuffled passes over the training rows, cut into batches."""
    passes = [rng.permutation(train) for _ in range(-(-row_visits // len(train)))]
    visits = np.concatenate(passes)[:row_visits]
    return [visits[start : start + batch_rows] for start in range(0, len(visits), batch_rows)]
