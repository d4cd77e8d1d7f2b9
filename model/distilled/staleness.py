"""What a distilled model is worth when production treats it badly: old embeddings, none, no interactions, a stranger.

    report = measure(store, table, deep, distilled, rows, base=0.61)
    report.conditions["3d"]["auroc"], report.retention, report.parameters_ratio

Legend: R rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from model.deep.network import num_parameters
from model.deep.scores import Deep, score_rows
from model.deep.train import entity_rows
from model.distilled.lesson import Lesson
from model.distilled.rows import NS_PER_HOUR, RequestSettings
from model.distilled.scores import Distilled, score_table
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.progress import WHOLE, Progress, part, silent
from model.quality import main_metric, quality
from model.served.inputs import Float, Int
from model.served.missing import MISSING_INT64
from model.served.predictor import ENTITY
from model.store.store import GraphStore

AGES_HOURS = {"0h": 0.0, "12h": 12.0, "3d": 72.0, "14d": 336.0}
"""Ages of the embedding at the moment of the request; 0 hours is fresher than any batch job leaves it."""
FRESH = "12h"
"""What a daily batch job gives: the condition that retention and fidelity speak of."""
MISSING = "missing"
"""No embedding: the entity is newer than the last batch job."""
NO_INTERACTIONS = "no_interactions"
"""A fresh embedding, and no history in the request."""
STRANGER = "stranger"
"""Neither: nothing but the facts of the request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Staleness:
    """Qualities of one student on the same rows under each condition."""

    metric: str
    """The task's main one (`model.quality`): `mae` is better when lower, all others when higher."""
    base: float
    """What the lifts are counted from: a baseline's metric, or that of the best constant."""
    teacher: Mapping[str, float]
    """Of the deep model at the anchors: all metrics of the task."""
    conditions: Mapping[str, Mapping[str, float]]
    """The same of the student, by condition: `AGES_HOURS`, MISSING, NO_INTERACTIONS, STRANGER."""
    retention: float
    """Student's lift over the base / teacher's, with a FRESH embedding; NaN where the teacher has no lift."""
    fidelity: float
    """Spearman correlation of the student's scores with the teacher's, with a FRESH embedding."""
    num_parameters: int
    teacher_parameters: int

    @property
    def parameters_ratio(self) -> float:
        """How many times smaller the student is."""
        return self.teacher_parameters / self.num_parameters


def measure(
    store: GraphStore,
    table: TrainingTable,
    deep: Deep,
    distilled: Distilled,
    rows: Int,
    *,
    base: float | None = None,
    progress: Progress = silent,
) -> Staleness:
    """Ask the student about `rows` of the training table under every condition.

    Args:
        store: the tables.
        table: labelled rows.
        deep: the teacher.
        distilled: its student.
        rows: [R] positions in the training table.
        base: the metric of a baseline on the same rows, such as `lightgbm_entity`; None takes the best constant.
        progress: told of the whole.

    Raises:
        UserError: another teacher's student, or no rows.
    """
    if distilled.artifact.parents["deep"] != deep.digest:
        raise UserError(f"`{distilled.artifact.path}` was not distilled from this deep model", hint="distil again")
    if len(rows) == 0:
        raise UserError("there is no row to measure the distilled model on", hint="choose an earlier test cut-off")
    label = deep.head.label(table, rows)
    teacher, lessons = _lessons(store, table, deep, rows, progress)
    silent_requests = replace(distilled.requests, real_time_interactions=dict.fromkeys(_paths(distilled), 0))
    cases: dict[str, tuple[Lesson, RequestSettings]] = {
        **{name: (lesson, distilled.requests) for name, lesson in lessons.items()},
        NO_INTERACTIONS: (lessons[FRESH], silent_requests),
        STRANGER: (lessons[MISSING], silent_requests),
    }
    scores = {
        name: score_table(store, table, replace(distilled, requests=requests), lesson)
        for name, (lesson, requests) in cases.items()
    }
    conditions = {name: quality(deep.head, label, score) for name, score in scores.items()}
    of_teacher = quality(deep.head, label, teacher)
    metric, _ = main_metric(deep.task)
    base = _constant(deep, table, label) if base is None else base
    lift = of_teacher[metric] - base
    return Staleness(
        metric=metric,
        base=base,
        teacher=of_teacher,
        conditions=conditions,
        retention=(conditions[FRESH][metric] - base) / lift if lift else float("nan"),
        fidelity=float(spearmanr(scores[FRESH].ravel(), teacher.ravel()).statistic),
        num_parameters=distilled.model.num_parameters(),
        teacher_parameters=num_parameters(deep.model),
    )


def _lessons(
    store: GraphStore, table: TrainingTable, deep: Deep, positions: Int, progress: Progress
) -> tuple[Float, dict[str, Lesson]]:
    """The teacher's scores, and embeddings of every age; none at all for MISSING, nor of whom did not exist then."""
    rows, anchor_ns = entity_rows(store, table)[positions], table.cutoff_ns[positions]
    existed_ns = store.row_times(table.entity_table)[rows]
    lessons: dict[str, Lesson] = {}
    logit_R = np.zeros((len(rows), *deep.head.shape), np.float32)
    for place, (name, hours) in enumerate(AGES_HOURS.items()):
        stage = part(progress, WHOLE * place // len(AGES_HOURS), WHOLE * (place + 1) // len(AGES_HOURS))
        then_ns = anchor_ns - int(hours * NS_PER_HOUR)
        found_R, embedding_RE = score_rows(store, deep, rows, then_ns, stage)
        logit_R = found_R if hours == 0 else logit_R
        lessons[name] = Lesson(
            positions=positions,
            teacher_R=logit_R,
            embedding_RE=embedding_RE,
            embedding_ns=np.where(existed_ns <= then_ns, then_ns, MISSING_INT64),
        )
    lessons[MISSING] = replace(lessons[FRESH], embedding_ns=np.full(len(rows), MISSING_INT64))
    return deep.head.answer(logit_R), lessons


def _paths(distilled: Distilled) -> list[str]:
    return [path for path in distilled.features if path != ENTITY]


def _constant(deep: Deep, table: TrainingTable, label: Float) -> float:
    """The metric of who says the same of everybody: chance, the commonest class, or the training rows' median."""
    trained = deep.head.label(table, table.rows("train"))
    one = np.median(trained, axis=0) if deep.head.is_number else _shares(deep, trained)
    same = np.broadcast_to(one.astype(np.float32), (len(label), *deep.head.shape))
    return float(main_metric(deep.task)[1](label, same, np.ones(len(label))))


def _shares(deep: Deep, trained: Float) -> Float:
    """How common each class is among training rows."""
    if deep.task == "multiclass":
        trained = (trained[:, None] == np.arange(len(deep.head.classes))).astype(np.float32)
    shares: Float = trained.mean(axis=0)
    return shares
