"""What the deep model says of the rows that a small model learns from: scores now, embeddings as a batch job left them.

Legend: R rows, E embedding.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model.checkpoint import Checkpoint
from model.deep.scores import Deep, network_rows, score_rows
from model.deep.train import entity_rows
from model.distilled.rows import RequestSettings
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.progress import WHOLE, Progress, part, silent
from model.served.inputs import Float, Int
from model.served.missing import MISSING_INT64
from model.store.store import GraphStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What the teacher says of some rows of a training table; it can teach several students."""

    positions: Int
    """[R] rows of the training table."""
    teacher_R: Float  # noqa: N815
    """[R] or [R, K] logits, or values in the unit of the label, as of the anchors."""
    embedding_RE: Float  # noqa: N815
    embedding_ns: Int
    """[R] cut-offs of the embeddings, before the anchors by as much as in production.

    MISSING_INT64 where the entity did not exist yet, so that no batch job could have embedded it."""

    def pick(self, which_R: npt.NDArray[np.bool_]) -> "Lesson":
        """The lesson of some of the rows."""
        return Lesson(**{name: getattr(self, name)[which_R] for name in Lesson.__slots__})


def choose_rows(table: TrainingTable, *, max_train_rows: int, max_validation_rows: int, seed: int) -> Int:
    """Positions of the training and validation rows to learn from, ascending, drawn with the seed.

    Raises:
        UserError: a split has no rows.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for split, most in (("train", max_train_rows), ("validation", max_validation_rows)):
        positions = np.flatnonzero(table.split == split)
        if len(positions) == 0:
            raise UserError(
                f"distillation needs rows of both splits (got no `{split}` rows)",
                hint="choose earlier cut-offs, or a shorter horizon",
            )
        parts.append(rng.permutation(positions)[:most])
    chosen: Int = np.sort(np.concatenate(parts))
    return chosen


def teach(
    store: GraphStore,
    table: TrainingTable,
    deep: Deep,
    positions: Int,
    requests: RequestSettings,
    seed: int,
    progress: Progress = silent,
    checkpoint: Checkpoint | None = None,
) -> Lesson:
    """Let the deep model score the rows at `positions` and embed them as a batch job would have, some time before.

    A lesson that the checkpoint holds is not given again.
    """
    if checkpoint is not None and (saved := checkpoint.resume()) is not None:
        return Lesson(**{name: saved[name].numpy() for name in Lesson.__slots__})
    rows, anchor_ns = entity_rows(store, table)[positions], table.cutoff_ns[positions]
    embedding_ns = requests.sample_embedding_times(anchor_ns, seed)
    teacher_R, _ = score_rows(store, deep, rows, anchor_ns, part(progress, 0, WHOLE // 2))
    _, embedding_RE = network_rows(store, deep, rows, embedding_ns, part(progress, WHOLE // 2, WHOLE))
    existed = store.row_times(table.entity_table)[rows] <= embedding_ns
    lesson = Lesson(
        positions=positions,
        teacher_R=teacher_R,
        embedding_RE=np.where(existed[:, None], embedding_RE, np.float32(0)),
        embedding_ns=np.where(existed, embedding_ns, MISSING_INT64),
    )
    if checkpoint is not None:
        checkpoint.write({name: torch.from_numpy(getattr(lesson, name)) for name in Lesson.__slots__})
    return lesson
