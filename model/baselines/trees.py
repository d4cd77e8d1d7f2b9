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

NUM_ROUNDS = 2000
PATIENCE = 60
"""Rounds without a better validation loss before training stops."""
NUM_THREADS = 1
"""Threads that wait for each other spin: on a busy machine two take twenty times as long as one."""
CLAMP = (2, 98)
"""Percentiles of the training labels between which predictions of a value are kept."""


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
    """A trained model."""

    booster: lgb.Booster
    validation_loss: float
    """Log loss, or mean absolute error."""
    clamp: tuple[float, float] | None
    """Between which predictions of a value are kept; None for chances."""

    def score(self, features: Features) -> npt.NDArray[np.float32]:
        """[rows] chances, or values."""
        scores = predict(self.booster, features)
        return scores if self.clamp is None else scores.clip(np.float32(self.clamp[0]), np.float32(self.clamp[1]))


def fit_trees(features: Features, table: TrainingTable, bound: BoundQuery, settings: TreeSettings) -> Trees:
    """Train one model.

    Raises:
        UserError: a task that is neither a chance nor a number.
    """
    train = table.rows("train")
    is_binary = trainable(bound.task) == "binary"
    objective = {"objective": "binary" if is_binary else "regression_l1"}
    booster = fit_booster(features, table.label, train, table.rows("validation"), objective, settings)
    low, high = np.percentile(table.label[train], CLAMP)
    return Trees(
        booster=booster,
        validation_loss=float(next(iter(booster.best_score["valid_0"].values()))),
        clamp=None if is_binary else (float(low), float(high)),
    )


def fit_booster(
    features: Features,
    label: npt.NDArray[np.float32],
    train: npt.NDArray[np.int64],
    validation: npt.NDArray[np.int64],
    objective: Mapping[str, Any],
    settings: TreeSettings,
) -> lgb.Booster:
    """Trees for `label` [rows] under LightGBM's `objective`: grown on some rows, stopped by others."""
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


def predict(booster: lgb.Booster, features: Features) -> npt.NDArray[np.float32]:
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
