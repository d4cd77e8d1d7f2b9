"""What a model predicts: its task, the classes or timeframes of its answer, and the scale of its numbers.

    head = task_head(bound.task, table)              # from the training rows
    head.label(table)                                # what metrics compare with
    head.target(table)                               # what the network is fitted to
    head.answer(logits)                              # what a client gets

Legend: R rows, K classes or timeframes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.errors import UserError
from model.labels.table import TrainingTable, Values, positions
from model.query.bound import TrainableTask
from model.served.answers import NUMBERS, answer, rescale

Float32 = npt.NDArray[np.float32]
Class = str | int | float | bool
CLAMP_PERCENTILES = (2, 98)
"""Of the training labels: numbers are kept between them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskHead:
    """The last layer's meaning; the same for the deep model, the distilled one and the server."""

    kind: TrainableTask
    classes: tuple[Class, ...] = ()
    """Of multiclass and multilabel, in the order of the outputs."""
    num_timeframes: int = 0
    """Of a forecast."""
    mean: float = 0.0
    """Of the training labels of a regression or a forecast (of all its timeframes); 0 for other tasks."""
    std: float = 1.0
    """1 for other tasks."""
    low: float | None = None
    """Answers below are raised to it: the 2nd percentile of the training labels; None for other tasks."""
    high: float | None = None
    """Answers above are lowered to it: the 98th percentile."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row's output: () for one number, (K,) for several."""
        if self.kind == "forecast":
            return (self.num_timeframes,)
        return (len(self.classes),) if self.kind in ("multiclass", "multilabel") else ()

    @property
    def is_number(self) -> bool:
        """Whether answers are numbers in the unit of the label, not probabilities."""
        return self.kind in NUMBERS

    def label(self, table: TrainingTable, rows: npt.NDArray[np.int64] | None = None) -> Float32:
        """[R] or [R, K] what metrics compare answers with.

        0 or 1, a number, a class's position (-1: one that no training row has), 0 or 1 for each class, or the numbers
        of a forecast.
        """
        rows = np.arange(len(table)) if rows is None else rows
        if self.kind != "multilabel":
            return table.label[rows]
        assert table.lists is not None, "a multilabel table has lists"
        lists = table.lists.take(rows)
        place = positions(lists.values, as_array(self.classes))
        owner = np.repeat(np.arange(len(rows)), lists.lengths())
        found = np.zeros((len(rows), len(self.classes)), np.float32)
        found[owner[place >= 0], place[place >= 0]] = 1
        return found

    def target(self, table: TrainingTable, rows: npt.NDArray[np.int64] | None = None) -> Float32:
        """[R] or [R, K] what the network's output is fitted to: the label, numbers standardised."""
        return self.standardise(self.label(table, rows))

    def standardise(self, value: Float32) -> Float32:
        """Values in the unit of the label -> the network's own; logits and labels of other tasks stay."""
        if not self.is_number:
            return value
        scaled: Float32 = (value - np.float32(self.mean)) / np.float32(self.std)
        return scaled

    def rescale(self, output: Float32) -> Float32:
        """The network's output -> logits, or values in the unit of the label: the inverse of `standardise`."""
        return rescale(self.kind, output, self.to_json())

    def answer(self, logit: Float32) -> Float32:
        """Logits or values, as `rescale` gives them -> what a client gets."""
        return answer(self.kind, logit, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """For `settings.json`, where the server finds it beside the task."""
        return {
            "mean": self.mean,
            "std": self.std,
            "low": self.low,
            "high": self.high,
            "classes": list(self.classes),
            "num_timeframes": self.num_timeframes,
        }


def head_from_json(kind: TrainableTask, found: Mapping[str, Any]) -> TaskHead:
    """The inverse of `TaskHead.to_json`."""
    return TaskHead(kind=kind, **{**found, "classes": tuple(found["classes"])})


def task_head(kind: TrainableTask, table: TrainingTable) -> TaskHead:
    """The head that the training rows ask for.

    Raises:
        UserError: no training rows.
    """
    train = table.rows("train")
    if len(train) == 0:
        raise UserError("training needs rows of the `train` split (got none)", hint="choose earlier cut-offs")
    if kind in ("multiclass", "multilabel"):
        assert table.classes is not None, f"a {kind} table has classes"
        return TaskHead(kind=kind, classes=tuple(_plain(value) for value in table.classes.tolist()))
    if kind == "binary":
        return TaskHead(kind=kind)
    label = table.label[train].astype(np.float64)
    std = float(label.std())
    low, high = np.percentile(label, CLAMP_PERCENTILES)
    if low == high:
        # Nearly all labels are the same: a model that may say nothing else cannot rank.
        low, high = label.min(), label.max()
    return TaskHead(
        kind=kind,
        num_timeframes=label.shape[1] if kind == "forecast" else 0,
        mean=float(label.mean()),
        std=std if std > 0 else 1.0,
        low=float(low),
        high=float(high),
    )


def as_array(classes: tuple[Class, ...]) -> Values:
    """Whole numbers as int64, anything else as objects."""
    if all(isinstance(one, int) and not isinstance(one, bool) for one in classes):
        return np.array(classes, np.int64)
    found = np.empty(len(classes), dtype=np.object_)
    found[:] = classes
    return found


def _plain(value: Any) -> Class:  # noqa: ANN401 - whatever a column holds
    """As JSON has it: decimals become floats."""
    return value if isinstance(value, str | int | float) else float(value)
