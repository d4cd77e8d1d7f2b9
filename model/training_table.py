"""A query at many cut-offs becomes rows of (entity, cut-off, label, split). The only module that writes labels.

A row at cut-off `t` is labelled by `(t, t + horizon]`; everything a model sees for it is at or before `t`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingTable:
    """Labelled rows, sorted by cut-off then entity."""

    entity_table: str
    entity: npt.NDArray[np.int64] | npt.NDArray[np.object_]
    """[rows] primary-key values of the entity table."""
    cutoff_ns: npt.NDArray[np.int64]
    """[rows] nanoseconds since the Unix epoch, UTC."""
    label: npt.NDArray[np.float32]
    """[rows] 0/1 for binary tasks, the value for regression."""
    split: npt.NDArray[np.str_]
    """[rows] `train`, `validation` or `test`."""

    def __len__(self) -> int:
        return len(self.cutoff_ns)

    def rows(self, split: Split) -> npt.NDArray[np.int64]:
        """Positions of the rows of one split."""
        return np.flatnonzero(self.split == split)
