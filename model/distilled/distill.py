"""A deep model teaches a small one: training rows, their labels and the teacher's scores -> a `distilled` artifact.

The student sees what a request will have: an embedding that is 12 hours to 14 days old, the interactions up to an hour
ago, the facts. Legend: R rows, E embedding.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from scipy.stats import pearsonr, spearmanr

from model.artifact import Artifact, read_artifact, write_artifact
from model.checkpoint import Checkpoint, Checkpoints
from model.deep.network import num_parameters
from model.deep.scores import Deep, load_deep
from model.distilled.lesson import Lesson, choose_rows, teach
from model.distilled.loop import Examples, LoopSettings, predict, train
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.distilled.rows import RequestSettings, fit_request_features
from model.distilled.scores import lesson_inputs
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.progress import WHOLE, Progress, part, silent
from model.quality import quality
from model.served.features import TableFeatures, features_to_json
from model.store.row_features import FeatureSettings
from model.store.store import GraphStore

MAX_SHARE_OF_PARAMETERS = 0.1
"""The distilled model has at most this share of the deep one's parameters."""
_TAUGHT = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillSettings:
    """What the student is, sees and learns from."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    requests: RequestSettings = field(default_factory=RequestSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    features: FeatureSettings = field(default_factory=lambda: FeatureSettings(include_links=True))
    use_embedding: bool = True
    """Off for the comparison that shows what the embedding is worth."""
    use_teacher: bool = True
    """Off for a student that learns from labels alone."""
    max_train_rows: int = 40_000
    """Training rows drawn; the deep model scores each of them twice."""
    max_validation_rows: int = 4_000
    seed: int = 0


def distill(
    store: GraphStore,
    table: TrainingTable,
    deep_path: Path,
    path: Path,
    settings: DistillSettings,
    progress: Progress = silent,
    *,
    table_digest: str = "",
    lesson: Lesson | None = None,
    checkpoints: Checkpoints | None = None,
) -> Artifact:
    """Train a student and write it at `path` (kind `distilled`).

    Args:
        store: the tables.
        table: labelled rows; `train` teaches, `validation` picks the epoch.
        deep_path: the teacher.
        path: where the artifact goes.
        settings: of the student.
        progress: told of the whole.
        table_digest: of the training table's artifact.
        lesson: of an earlier student over the same rows, to save the teacher's work.
        checkpoints: how often what was reached is kept; one that was killed goes on from there.

    Raises:
        UserError: no rows of a split, an entity without a history, or a student of more than a tenth of the teacher.
    """
    deep = load_deep(deep_path)
    if read_artifact(deep_path, kind="deep").parents.get("graph") != store.artifact.digest:
        raise UserError(
            f"`{deep_path}` was trained on other tables than `{store.artifact.path}` holds", hint="train again"
        )
    checkpoints = checkpoints or Checkpoints()
    inputs = {"settings": settings, "deep": deep.digest, "graph": store.artifact.digest, "table": table}
    taught = Checkpoint(path.with_name(f"{path.name}.lesson"), inputs, checkpoints)
    if lesson is None:
        chosen = choose_rows(
            table,
            max_train_rows=settings.max_train_rows,
            max_validation_rows=settings.max_validation_rows,
            seed=settings.seed,
        )
        lesson = teach(
            store, table, deep, chosen, settings.requests, settings.seed, part(progress, 0, _TAUGHT), taught
        )  # fmt: skip
    is_train = table.split[lesson.positions] == "train"
    upto_ns = int(table.cutoff_ns[lesson.positions[is_train]].max())
    features = fit_request_features(
        store,
        table.entity_table,
        upto_ns,
        replace(settings.features, hidden=hidden_columns(deep_path)),
        settings.requests,
    )
    torch.manual_seed(settings.seed)
    model = DistilledModel(input_shape(features, deep.model.settings.embedding_dim), settings.network, deep.head.shape)
    _refuse_unfit(model, deep, features)
    examples = {
        split: _examples(store, table, deep, features, settings, lesson.pick(which))
        for split, which in (("train", is_train), ("validation", ~is_train))
    }
    loop = settings.loop if settings.use_teacher else replace(settings.loop, teacher_weight=0.0)
    checkpoint = Checkpoint(path, {**inputs, "lesson": lesson}, checkpoints)
    losses = train(
        model, examples["train"], examples["validation"], deep.task, loop, part(progress, _TAUGHT, WHOLE), checkpoint
    )  # fmt: skip
    parents = {"deep": deep.digest, "graph": store.artifact.digest}
    parents |= {"training_table": table_digest} if table_digest else {}
    with write_artifact(path, kind="distilled", parents=parents, settings=asdict(settings)) as draft:
        weights = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(weights, draft.path / "weights.safetensors")
        (draft.path / "features.json").write_text(features_to_json(features), "utf-8")
        (draft.path / "settings.json").write_text(json.dumps(_serving(deep, settings), indent=2) + "\n", "utf-8")
        draft.metrics.update(_metrics(model, deep, examples["validation"], table, lesson.pick(~is_train)))
        draft.metrics.update(
            num_parameters=model.num_parameters(),
            teacher_parameters=num_parameters(deep.model),
            epoch_losses=losses,
            num_train_rows=int(is_train.sum()),
        )
    for kept in (checkpoint, taught):
        kept.remove()
    return read_artifact(path, kind="distilled")


def hidden_columns(deep_path: Path) -> tuple[str, ...]:
    """`table.column` names that the deep model could not see, and so its student."""
    return tuple(read_artifact(deep_path, kind="deep").settings.get("features", {}).get("hidden", ()))


def _examples(
    store: GraphStore,
    table: TrainingTable,
    deep: Deep,
    features: dict[str, TableFeatures],
    settings: DistillSettings,
    lesson: Lesson,
) -> Examples:
    return Examples(
        inputs=lesson_inputs(store, table, lesson, features, settings.requests, use_embedding=settings.use_embedding),
        target_R=deep.head.target(table, lesson.positions),
        teacher_R=deep.head.standardise(lesson.teacher_R),
    )


def _refuse_unfit(model: DistilledModel, deep: Deep, features: dict[str, TableFeatures]) -> None:
    if len(features) == 1:
        raise UserError(
            f"`{deep.entity_table}` has no history: no table with a time column points at it",
            hint="name the time column of a table that links to it in graph.yaml",
        )
    most = int(num_parameters(deep.model) * MAX_SHARE_OF_PARAMETERS)
    if model.num_parameters() > most:
        raise UserError(
            f"the distilled model has {model.num_parameters()} parameters; at most {most}, "
            "a tenth of the deep model's, are allowed",
            hint="lower `width`, `category_dim` or `max_vocabulary`",
        )


def _serving(deep: Deep, settings: DistillSettings) -> dict[str, Any]:
    """`settings.json`: what a server must know beside the weights."""
    return {
        "task": deep.task,
        "embedding_dim": deep.model.settings.embedding_dim,
        "use_embedding": settings.use_embedding,
        "target": deep.head.to_json(),
        "network": asdict(settings.network),
        "requests": asdict(settings.requests),
    }


def _metrics(
    model: DistilledModel, deep: Deep, validation: Examples, table: TrainingTable, lesson: Lesson
) -> dict[str, float]:
    """Quality on the validation labels, of the student and the teacher, and how well the student follows."""
    label = deep.head.label(table, lesson.positions)
    student_R = predict(model, validation.inputs)
    student, teacher = student_R.ravel(), validation.teacher_R.ravel()
    followed = {
        "fidelity_pearson": float(pearsonr(student, teacher).statistic),
        "fidelity_spearman": float(spearmanr(student, teacher).statistic),
    }
    for name, score_R in {"validation": student_R, "teacher_validation": validation.teacher_R}.items():
        answers = deep.head.answer(deep.head.rescale(score_R))
        followed |= {f"{name}_{metric}": value for metric, value in quality(deep.head, label, answers).items()}
    return followed
