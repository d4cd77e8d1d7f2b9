"""Gradient-boosted trees with settings of their own: trained on the training rows, stopped by the validation rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# torch first: it brings the OpenMP runtime that LightGBM links, which a plain Debian lacks.
import torch  # noqa: F401  # isort: skip
import lightgbm as lgb  # isort: skip
import numpy as np
import numpy.typing as npt

from model.baselines.feature_table import Features
from model.labels.training_table import TrainingTable
from model.query.bound import BoundQuery, trainable
from model.task import TaskHead, task_head

NUM_ROUNDS = 2000
PATIENCE = 60
"""Rounds without a better validation loss before training stops."""
NUM_THREADS = 1
"""Threads that wait for each other spin: on a busy machine two take twenty times as long as one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeSettings:
    """How trees grow; names are LightGBM's. `model/baselines/tuned.py` chooses."""

    learning_rate: float = 0.04
    num_leaves: int = 31
    min_data_in_leaf: int = 50
    feature_fraction: float = 0.5
    lambda_l2: float = 1.0
    bagging_fraction: float = 0.8
    bagging_freq: int = 1
    max_cat_to_onehot: int = 8
    seed: int = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """A trained model: one booster, or one for each class of several and each timeframe of a forecast."""

    boosters: tuple[lgb.Booster, ...]
    head: TaskHead
    validation_loss: float
    """Log loss, or mean absolute error; the mean of the boosters'."""

    def score(self, features: Features) -> npt.NDArray[np.float32]:
        """[rows] or [rows, K] probabilities, or values."""
        each = [_predict(booster, features) for booster in self.boosters]
        scores = each[0] if self.head.kind == "multiclass" else np.stack(each, axis=1)
        scores = scores.reshape(len(scores), *self.head.shape)
        return self.head.answer(scores) if self.head.is_number else scores


def fit_trees(features: Features, table: TrainingTable, bound: BoundQuery, settings: TreeSettings) -> Trees:
    """Train one model: grown on the training rows, stopped by the validation rows.

    Raises:
        UserError: a link query.
    """
    head = task_head(trainable(bound.task), table)
    train, validation = table.rows("train"), table.rows("validation")
    boosters = fit_boosters(features, head.label(table), train, validation, head, settings)
    losses = [float(next(iter(booster.best_score["valid_0"].values()))) for booster in boosters]
    return Trees(boosters=boosters, head=head, validation_loss=float(np.mean(losses)))


def fit_boosters(
    features: Features,
    label: npt.NDArray[np.float32],
    train: npt.NDArray[np.int64],
    validation: npt.NDArray[np.int64],
    head: TaskHead,
    settings: TreeSettings,
) -> tuple[lgb.Booster, ...]:
    """Trees for what `TaskHead.label` gives, [rows] or [rows, K]: grown on some rows, stopped by others."""
    if head.kind == "multiclass":
        # A row whose class no training row has stops nothing.
        known = validation[label[validation] >= 0]
        objective: dict[str, Any] = {"objective": "multiclass", "num_class": len(head.classes)}
        return (_fit(features, label, train, known, objective, settings),)
    one = {"objective": "regression_l1" if head.is_number else "binary"}
    return tuple(_fit(features, column, train, validation, one, settings) for column in label.reshape(len(label), -1).T)


def _fit(
    features: Features,
    label: npt.NDArray[np.float32],
    train: npt.NDArray[np.int64],
    validation: npt.NDArray[np.int64],
    objective: Mapping[str, Any],
    settings: TreeSettings,
) -> lgb.Booster:
    """Trees for `label` [rows] under LightGBM's `objective`."""
    fitted = _dataset(features, label, train)
    return lgb.train(
        {
            **asdict(settings),
            **objective,
            "num_threads": NUM_THREADS,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        },
        fitted,
        num_boost_round=NUM_ROUNDS,
        valid_sets=[_dataset(features, label, validation, reference=fitted)],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )


def _predict(booster: lgb.Booster, features: Features) -> npt.NDArray[np.float32]:
    """[rows] or [rows, classes] of all rows."""
    return np.asarray(booster.predict(_values(features), num_threads=NUM_THREADS), dtype=np.float32)


def _values(features: Features) -> npt.NDArray[np.float32]:
    """What the trees are fed: one column at least, for LightGBM knows no table without any."""
    return features.values_RF if features.names else np.zeros((len(features.values_RF), 1), np.float32)


def _dataset(
    features: Features,
    label: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    reference: lgb.Dataset | None = None,
) -> lgb.Dataset:
    return lgb.Dataset(
        _values(features)[rows],
        label=label[rows],
        reference=reference,
        categorical_feature=list(features.categorical),
        free_raw_data=True,
    )
