"""A trained distilled model and what it says of rows of a training table, as production would have asked it.

Legend: R rows.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from model.artifact import Artifact, read_artifact
from model.deep.train import entity_rows
from model.distilled.lesson import Lesson
from model.distilled.loop import predict
from model.distilled.network import DistilledModel, NetworkSettings, input_shape
from model.distilled.rows import RequestSettings, request_inputs
from model.labels.training_table import TrainingTable
from model.query.bound import TrainableTask
from model.served.features import TableFeatures, features_from_json
from model.served.inputs import Float, Inputs
from model.store.store import GraphStore
from model.task import TaskHead, head_from_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Distilled:
    """A distilled model, ready to score rows of a store."""

    model: DistilledModel
    features: dict[str, TableFeatures]
    requests: RequestSettings
    head: TaskHead
    use_embedding: bool
    artifact: Artifact

    @property
    def task(self) -> TrainableTask:
        """Kind of the head."""
        return self.head.kind


def load_distilled(path: Path) -> Distilled:
    """Open the artifact at `path`.

    Raises:
        UserError: there is none.
    """
    artifact = read_artifact(path, kind="distilled")
    features = features_from_json((path / "features.json").read_text("utf-8"))
    settings: dict[str, Any] = json.loads((path / "settings.json").read_text("utf-8"))
    head = head_from_json(settings["task"], settings["target"])
    shape = input_shape(features, settings["embedding_dim"])
    model = DistilledModel(shape, NetworkSettings(**settings["network"]), head.shape)
    model.load_state_dict(load_file(path / "weights.safetensors"))
    return Distilled(
        model=model.eval(),
        features=features,
        requests=RequestSettings(**settings["requests"]),
        head=head,
        use_embedding=settings["use_embedding"],
        artifact=artifact,
    )


def score_table(store: GraphStore, table: TrainingTable, distilled: Distilled, lesson: Lesson) -> Float:
    """[R] or [R, K] answers (probabilities, or values) to the lesson's rows as production would have given them.

    The embedding is the lesson's, as old as it was sampled (`teach`), whatever the embedding of the anchor itself.
    """
    inputs = lesson_inputs(
        store, table, lesson, distilled.features, distilled.requests, use_embedding=distilled.use_embedding
    )
    return distilled.head.answer(distilled.head.rescale(predict(distilled.model, inputs)))


def lesson_inputs(
    store: GraphStore,
    table: TrainingTable,
    lesson: Lesson,
    features: dict[str, TableFeatures],
    requests: RequestSettings,
    *,
    use_embedding: bool,
) -> Inputs:
    """Inputs of the lesson's rows; without embeddings all of them are strangers."""
    inputs = request_inputs(
        store,
        features,
        entity_rows(store, table)[lesson.positions],
        table.cutoff_ns[lesson.positions],
        lesson.embedding_RE,
        lesson.embedding_ns,
        requests,
    )
    return inputs if use_embedding else replace(inputs, embedding_age_days_B=np.full(len(inputs), np.nan, np.float32))
