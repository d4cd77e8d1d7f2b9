"""Labelled rows in memory: what every model trains on and is judged by."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Values = npt.NDArray[np.int64] | npt.NDArray[np.object_]
"""Keys or categories: whole numbers as int64, anything else as objects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lists:
    """One list of values a row, end to end: row `i` has `values[offsets[i]:offsets[i + 1]]`."""

    values: Values
    """Sorted and without repeats within a row."""
    offsets: npt.NDArray[np.int64]
    """[rows + 1]"""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, index: int) -> Values:
        """The values of one row."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def lengths(self) -> npt.NDArray[np.int64]:
        """[rows] how many values each row has."""
        return np.diff(self.offsets)

    def take(self, rows: npt.NDArray[np.int64]) -> "Lists":
        """The lists of some rows, in that order."""
        lengths = self.lengths()[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        positions = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Lists(values=self.values[positions], offsets=offsets)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingTable:
    """Labelled rows, sorted by cut-off then entity."""

    entity_table: str
    entity: Values
    """[rows] primary-key values of the entity table."""
    cutoff_ns: npt.NDArray[np.int64]
    """[rows] nanoseconds since the Unix epoch, UTC."""
    label: npt.NDArray[np.float32]
    """[rows] 0/1 for binary tasks, the value for regression, the position in `classes` for multiclass (-1: a class
    that no training row has), the number of items for multilabel and link; [rows, timeframes] for forecasts."""
    split: npt.NDArray[np.str_]
    """[rows] `train`, `validation` or `test`."""
    classes: Values | None = None
    """[classes] sorted values that training rows have, for multiclass and multilabel; None for other tasks."""
    lists: Lists | None = None
    """The items of each row: categories for multilabel, keys of the item table for link; None for other tasks."""

    def __len__(self) -> int:
        return len(self.cutoff_ns)

    def rows(self, split: Split) -> npt.NDArray[np.int64]:
        """Positions of the rows of one split."""
        return np.flatnonzero(self.split == split)

    def summary(self, split: Split) -> tuple[str, float | None]:
        """(what, how much) in one number: the mean label, the mean number of items, or how common one class is."""
        label = self.label[self.rows(split)]
        if self.classes is not None and self.lists is None:
            commonest = np.unique(label, return_counts=True)[1].max(initial=0)
            return "share of commonest class", float(commonest / len(label)) if len(label) else None
        what = "mean label" if self.lists is None else "mean items"
        return what, float(label.mean(dtype=np.float64)) if len(label) else None


def positions(values: Values, classes: Values) -> npt.NDArray[np.int64]:
    """[n] where each value stands among the sorted classes, -1 for one that is none of them."""
    place = np.searchsorted(classes, values)
    inside = place < len(classes)
    known = np.zeros(len(values), bool)
    known[inside] = classes[place[inside]] == values[inside]
    return np.where(known, place, -1)
