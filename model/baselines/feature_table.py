"""What a tree model is fed: named columns of numbers beside the rows of a training table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.labels.training_table import TrainingTable
from model.query.bound import DAY_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """What a tree model gets."""

    names: tuple[str, ...]
    values_RF: npt.NDArray[np.float32]  # noqa: N815 -- names of tensors end in their shape
    """[rows, features]; NaN where there is none."""
    categorical: tuple[int, ...]
    """Positions of the features that are codes of categories."""


def join_features(parts: Sequence[Features]) -> Features:
    """Features of the same rows, side by side."""
    names: list[str] = []
    categorical: list[int] = []
    for part in parts:
        categorical += [len(names) + position for position in part.categorical]
        names += part.names
    values_RF = np.concatenate([part.values_RF for part in parts], axis=1)
    return Features(names=tuple(names), values_RF=values_RF, categorical=tuple(categorical))


def season_features(table: TrainingTable) -> Features:
    """Day of the year and of the week of the cut-off."""
    days = table.cutoff_ns // DAY_NS
    year_start = days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    values_RF = np.stack([days - year_start, (days + 3) % 7], axis=1).astype(np.float32)
    return Features(names=("day of year", "day of week"), values_RF=values_RF, categorical=())
