"""A training table and a graph store become a deep model: an artifact of kind `deep`.

The loop reads top to bottom in `train_deep`; a thread samples the next batches while the network works on this one.
Legend: R rows, B rows of one batch, E embedding.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.artifact import Artifact, read_artifact, write_artifact
from model.checkpoint import Checkpoint, Checkpoints, restore, state_of
from model.deep.boosted import MAX_VALIDATION_ROWS, can_grow, grow
from model.deep.network import DeepInputs, DeepModel, DeepSettings, num_parameters
from model.deep.sampler import SamplerSettings, history_sizes
from model.deep.scores import Deep, Float32, Int64, ahead, make_deep, network_rows, save_deep
from model.errors import UserError
from model.labels.splits import training_splits
from model.labels.training_table import TrainingTable
from model.progress import WHOLE, Progress, part, silent
from model.quality import quality, selection_loss
from model.query.bound import TrainableTask
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore
from model.task import task_head
from model.task_loss import label_loss

_BUCKET_BATCHES = 16
"""Rows are sorted by history within this many batches, so that a batch needs little padding."""
_NETWORK = 850
"""Thousandths of the time that the network takes where trees grow after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSettings:
    """The network, what it sees, and how long it learns."""

    model: DeepSettings = field(default_factory=DeepSettings)
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    max_rows: int = 100_000
    """Row visits in all; fewer than the table has means a part of it, more means several passes."""
    batch_rows: int = 256
    learning_rate: float = 1e-3
    """The highest, after warming up."""
    warmup_share: float = 0.1
    """Of all steps."""
    weight_decay: float = 0.01
    average_decay: float = 0.99
    """The weights that are kept are a running average over about 1 / (1 - decay) steps; 0 keeps the last ones,
    and the first steps decay faster."""
    scale_rows: int = 4096
    """Rows from which the scale of every number is taken."""
    gradient_clip: float = 1.0
    """Largest norm of a step's gradient."""
    num_evaluations: int = 6
    """How often the validation rows are scored, evenly spread; the best weights are kept."""
    patience: int = 3
    """Evaluations without progress after which training stops."""
    max_validation_rows: int = 4000
    trees: bool = True
    """Grow trees on outlines of the same rows too; the answer is a mixture, as the validation rows choose."""
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("max_rows", "batch_rows", "num_evaluations", "patience", "max_validation_rows", "scale_rows")
        for name in counts:
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")
        if not 0 <= self.average_decay <= 1:
            raise UserError(f"`average_decay` must be in [0, 1] (got {self.average_decay})")
        for name in ("learning_rate", "gradient_clip"):
            if not getattr(self, name) > 0:
                raise UserError(f"`{name}` must be above 0 (got {getattr(self, name)})")


def train_deep(
    store: GraphStore,
    table: TrainingTable,
    task: TrainableTask,
    path: Path,
    settings: TrainSettings,
    progress: Progress = silent,
    *,
    table_digest: str = "",
    checkpoints: Checkpoints | None = None,
) -> Artifact:
    """Train on the `train` rows, choose the weights on the `validation` rows, and write them at `path`.

    The same inputs give the same weights on the same machine, also where a training that was killed is begun again: it
    goes on from its last checkpoint.

    Raises:
        UserError: no training or validation rows, or an entity that the store does not know.
    """
    rng = np.random.default_rng(settings.seed)
    train, validation = training_splits(table, settings.max_validation_rows, rng)
    rows = entity_rows(store, table)
    features = fit_features(store, int(table.cutoff_ns[train].max()), settings.features)
    head = task_head(task, table)
    size = history_sizes(store, table.entity_table, rows, table.cutoff_ns)
    batches = _batches(train, size, settings, rng)
    trees_begin = _NETWORK if settings.trees else WHOLE
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        deep = make_deep(
            store,
            features,
            settings.sampler,
            settings.model,
            entity_table=table.entity_table,
            head=head,
        )
        inputs = {"task": task, "settings": settings, "graph": store.artifact.digest, "table": table}
        checkpoint = Checkpoint(path, inputs, checkpoints or Checkpoints())
        best = _fit(store, deep, table, rows, batches, validation, settings, part(progress, 0, trees_begin), checkpoint)
    metrics = best.metrics
    if settings.trees and can_grow(head):
        deep.model.load_state_dict(best.weights)
        deep, metrics = _with_trees(store, deep, table, rows, settings.seed, part(progress, trees_begin, WHOLE))
    progress(WHOLE, WHOLE)
    with write_artifact(
        path, kind="deep", parents=_parents(store, table_digest), settings={"task": task, **asdict(settings)}
    ) as draft:
        save_deep(deep, best.weights, draft.path)
        draft.metrics.update(metrics, num_parameters=num_parameters(deep.model), rows_seen=best.rows_seen)
    checkpoint.remove()
    return read_artifact(path, kind="deep")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Best:
    loss: float
    weights: dict[str, Tensor]
    metrics: dict[str, float]
    rows_seen: int


def _fit(
    store: GraphStore,
    deep: Deep,
    table: TrainingTable,
    rows: Int64,
    batches: list[Int64],
    validation: Int64,
    settings: TrainSettings,
    progress: Progress,
    checkpoint: Checkpoint,
) -> _Best:
    """The training loop; returns the weights that were best on the validation rows."""
    model = deep.model
    optimizer = torch.optim.AdamW(_decay_groups(model, settings.weight_decay), lr=settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _schedule(len(batches), settings.warmup_share))
    evaluate_at = {round(len(batches) * (i + 1) / settings.num_evaluations) for i in range(settings.num_evaluations)}
    builder = deep.inputs(store)
    some = np.sort(np.concatenate(batches)[: settings.scale_rows])
    model.fit_scale(builder.build(rows[some], table.cutoff_ns[some]))
    averaged = replace(deep, model=copy.deepcopy(model))
    best: _Best | None = None
    begun = waited = rows_seen = 0
    parts: dict[str, Any] = {
        "model": model, "averaged": averaged.model, "optimizer": optimizer, "schedule": schedule
    }  # fmt: skip
    if (saved := checkpoint.resume()) is not None:
        restore(saved["training"], **parts)
        begun, waited, rows_seen = saved["step"], saved["waited"], saved["rows_seen"]
        best = None if saved["best"] is None else _Best(**saved["best"])

    def build(batch_B: Int64) -> tuple[Float32, DeepInputs]:
        return deep.head.target(table, batch_B), builder.build(rows[batch_B], table.cutoff_ns[batch_B])

    for step, (target_B, inputs) in enumerate(ahead(batches[begun:], build), start=begun + 1):
        model.train()
        logit_B, _ = model(inputs)
        loss = label_loss(deep.task, logit_B, torch.from_numpy(target_B))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
        optimizer.step()
        schedule.step()
        # Young averages forget faster: a short training must not end near its random start.
        _follow(averaged.model, model, min(settings.average_decay, step / (step + 10)))
        rows_seen += len(target_B)
        progress(step, len(batches))
        if step in evaluate_at:
            metrics = _evaluate(store, averaged, table, rows, validation)
            if best is None or metrics["validation_loss"] < best.loss:
                weights = copy.deepcopy({k: value.contiguous() for k, value in averaged.model.state_dict().items()})
                best = _Best(loss=metrics["validation_loss"], weights=weights, metrics=metrics, rows_seen=rows_seen)
                waited = 0
            else:
                waited += 1
                if waited >= settings.patience:
                    break
        if checkpoint.due():
            kept = None if best is None else {name: getattr(best, name) for name in _Best.__slots__}
            reached = {"step": step, "waited": waited, "rows_seen": rows_seen, "best": kept}
            checkpoint.write({**reached, "training": state_of(**parts)})
    assert best is not None
    progress(len(batches), len(batches))
    return best


@torch.no_grad()
def _follow(averaged: DeepModel, model: DeepModel, decay: float) -> None:
    """Move a running average of the weights one step on."""
    for kept, now in zip(averaged.parameters(), model.parameters(), strict=True):
        kept.lerp_(now, 1 - decay)


def _with_trees(
    store: GraphStore, deep: Deep, table: TrainingTable, rows: Int64, seed: int, progress: Progress
) -> tuple[Deep, dict[str, float]]:
    """The model with trees beside its network, and the metrics of both together."""
    validation = table.rows("validation")
    if len(validation) > MAX_VALIDATION_ROWS:
        drawn = np.random.default_rng(seed).choice(validation, MAX_VALIDATION_ROWS, replace=False)
        validation = np.sort(drawn)
    network, _ = network_rows(store, deep, rows[validation], table.cutoff_ns[validation])
    grown = grow(
        deep.outlines(store), table, rows, deep.head,
        validation=validation, network=network, seed=seed, progress=progress,
    )  # fmt: skip
    parts = {
        "network_loss": _judge(deep, table, validation, network)["validation_loss"],
        "trees_loss": grown.trees_loss,
        "trees_share": grown.boosted.share,
    }
    return replace(deep, trees=grown.boosted), {**_judge(deep, table, validation, grown.validation), **parts}


def entity_rows(store: GraphStore, table: TrainingTable) -> Int64:
    """[rows] the entity row of each row of a training table.

    Raises:
        UserError: an entity that the store does not know.
    """
    rows = store.rows_of(table.entity_table, table.entity)
    if (rows < 0).any():
        stranger = table.entity[[int(np.argmin(rows))]].tolist()[0]
        raise UserError(
            f"the training table names a `{table.entity_table}` that the graph store does not have (got {stranger!r})",
            hint="build the graph store and the training table from the same tables",
        )
    return rows


def _evaluate(store: GraphStore, deep: Deep, table: TrainingTable, rows: Int64, part: Int64) -> dict[str, float]:
    logit, _ = network_rows(store, deep, rows[part], table.cutoff_ns[part])
    return _judge(deep, table, part, logit)


def _judge(deep: Deep, table: TrainingTable, part: Int64, logit: Float32) -> dict[str, float]:
    label, answers = deep.head.label(table, part), deep.head.answer(logit)
    found = {f"validation_{name}": value for name, value in quality(deep.head, label, answers).items()}
    return {"validation_loss": selection_loss(deep.head, label, answers), **found}


def _batches(train: Int64, size: Int64, settings: TrainSettings, rng: np.random.Generator) -> list[Int64]:
    """Passes over the shuffled rows up to `max_rows`; rows with histories of like size share a batch."""
    visits: list[Int64] = []
    left = settings.max_rows
    while left > 0:
        visits.append(rng.permutation(train)[:left])
        left -= len(visits[-1])
    drawn = np.concatenate(visits)
    batches: list[Int64] = []
    bucket_rows = settings.batch_rows * _BUCKET_BATCHES
    for start in range(0, len(drawn), bucket_rows):
        bucket = drawn[start : start + bucket_rows]
        bucket = bucket[np.argsort(size[bucket], kind="stable")]
        cut = [bucket[i : i + settings.batch_rows] for i in range(0, len(bucket), settings.batch_rows)]
        batches.extend(cut[i] for i in rng.permutation(len(cut)))
    return batches


def _schedule(num_steps: int, warmup_share: float) -> Callable[[int], float]:
    """Factor of the learning rate by step: a straight rise, then half a cosine down to 0."""
    warmup = max(1, round(num_steps * warmup_share))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + float(np.cos(np.pi * (step - warmup) / max(1, num_steps - warmup))))

    return factor


def _decay_groups(model: DeepModel, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices, none for biases and norms."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _parents(store: GraphStore, table_digest: str) -> dict[str, str]:
    parents = {"graph": store.artifact.digest}
    return {**parents, "training_table": table_digest} if table_digest else parents
