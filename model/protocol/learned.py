"""The deep model, its network alone and its student in a protocol: trained as everywhere, kept below the run."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.artifact import Artifact
from model.checkpoint import Checkpoints
from model.deep.few_rows import suited
from model.deep.network import num_parameters
from model.deep.scores import Deep, load_deep, score_rows
from model.deep.train import TrainSettings, entity_rows, train_deep
from model.distilled.distill import DistillSettings, distill
from model.distilled.lesson import teach
from model.distilled.scores import load_distilled, score_table
from model.distilled.staleness import measure
from model.progress import Progress, part
from model.protocol.bench import Bench
from model.protocol.contestant import Contestant
from model.protocol.protocol import Regime
from model.protocol.scored import Floats, Scored
from model.query.bound import trainable
from model.store.row_features import FeatureSettings

_TRAINED = 800
"""Thousandths of a unit's time in which the model is trained."""


class DeepContestant(Contestant):
    """`stillhouse train` with the protocol's row visits."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Of the training."""
        return {"model": "deep", **asdict(_train_settings(self.bench, seed))}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Train, and score each test row as of its own cut-off."""
        bench = self.bench
        path = deep_path(bench, seed)
        artifact = train_deep(
            bench.views["rolling"].store,
            bench.table,
            trainable(bench.bound.task),
            path,
            _train_settings(bench, seed),
            part(progress, 0, _TRAINED),
            table_digest=self.key(seed),
            checkpoints=Checkpoints(),
        )
        deep = load_deep(path)
        return Scored(
            scores=_answers(bench, deep, part(progress, _TRAINED, 1000)),
            facts={"num_parameters": num_parameters(deep.model), **_chosen(artifact)},
        )


class NetworkContestant(Contestant):
    """The network of the deep model of the same seed, without the trees beside it."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Of the training that made both."""
        return {"model": "network", "deep": asdict(_train_settings(self.bench, seed))}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Score each test row as of its own cut-off."""
        deep = replace(load_deep(deep_path(self.bench, seed)), trees=None)
        return Scored(scores=_answers(self.bench, deep, progress), facts={"num_parameters": num_parameters(deep.model)})


class DistilledContestant(Contestant):
    """`stillhouse distill` from the deep model of the same seed."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Of the student and of its teacher."""
        teacher = asdict(_train_settings(self.bench, seed))
        return {"model": "distilled", "teacher": teacher, **asdict(_distil_settings(seed))}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Distil, and score the test rows as production would, with an embedding of some age."""
        bench, table = self.bench, self.bench.table
        store = bench.views["rolling"].store
        path = bench.folder / "models" / f"distilled-{seed}"
        teacher = deep_path(bench, seed)
        distill(
            store, table, teacher, path, _distil_settings(seed), part(progress, 0, _TRAINED - 100),
            table_digest=self.key(seed), checkpoints=Checkpoints(),
        )  # fmt: skip
        deep, student = load_deep(teacher), load_distilled(path)
        scores: dict[Regime, Floats] = {}
        for regime, view in bench.views.items():
            lesson = teach(view.store, table, deep, bench.test, student.requests, seed)
            scores[regime] = score_table(view.store, table, student, lesson).astype(np.float64)
        worth = measure(store, table, deep, student, bench.test, progress=part(progress, _TRAINED, 1000))
        return Scored(
            scores=scores,
            facts={
                "num_parameters": worth.num_parameters,
                "parameters_ratio": worth.parameters_ratio,
                "fidelity": worth.fidelity,
                "staleness": {name: quality[worth.metric] for name, quality in worth.conditions.items()},
            },
        )


def _answers(bench: Bench, deep: Deep, progress: Progress) -> dict[Regime, Floats]:
    """A deep model's answers for the test rows of each regime."""
    scores: dict[Regime, Floats] = {}
    for regime, view in bench.views.items():
        rows = entity_rows(view.store, bench.table)[bench.test]
        logit, _ = score_rows(view.store, deep, rows, bench.table.cutoff_ns[bench.test], progress)
        scores[regime] = deep.head.answer(logit).astype(np.float64)
    return scores


def _chosen(artifact: Artifact) -> dict[str, Any]:
    """What the validation rows said of the network, of the trees beside it, and of both."""
    names = ("rows_seen", "validation_loss", "network_loss", "trees_loss", "trees_share")
    return {name: artifact.metrics[name] for name in names if name in artifact.metrics}


def deep_path(bench: Bench, seed: int) -> Path:
    """Where the deep model of a seed lies."""
    return bench.folder / "models" / f"deep-{seed}"


def _train_settings(bench: Bench, seed: int) -> TrainSettings:
    hidden = tuple(f"{table}.{column}" for table, column in bench.bound.hidden_columns)
    settings = TrainSettings(max_rows=bench.protocol.row_visits, seed=seed, features=FeatureSettings(hidden=hidden))
    return suited(settings, len(bench.table.rows("train")))[0]


def _distil_settings(seed: int) -> DistillSettings:
    base = DistillSettings()
    return replace(base, seed=seed, loop=replace(base.loop, seed=base.loop.seed + seed))
