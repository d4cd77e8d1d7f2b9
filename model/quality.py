"""How good a model's answers are, by task: the metric that models are compared by, and the others beside it."""

from collections.abc import Mapping

import numpy as np

from model.metrics import (
    Metric,
    Values,
    accuracy,
    auroc,
    calibration_error,
    class_log_loss,
    log_loss,
    macro_auroc,
    mae,
)
from model.query.bound import TrainableTask
from model.task import TaskHead

_METRICS: Mapping[TrainableTask, Mapping[str, Metric]] = {
    "binary": {"auroc": auroc, "log_loss": log_loss, "calibration_error": calibration_error},
    "multiclass": {"accuracy": accuracy, "macro_auroc": macro_auroc, "log_loss": class_log_loss},
    "multilabel": {"macro_auroc": macro_auroc, "log_loss": log_loss},
    "regression": {"mae": mae},
    "forecast": {"mae": mae},
}
"""Of answers, as `TaskHead.answer` gives them; the first is the one that models are compared by."""
_LOSS = {"binary": "log_loss", "multiclass": "log_loss", "multilabel": "log_loss"}


def metrics(kind: TrainableTask) -> Mapping[str, Metric]:
    """The metrics of a task by name, the one that models are compared by first."""
    return _METRICS[kind]


def main_metric(kind: TrainableTask) -> tuple[str, Metric]:
    """The metric that models are compared by; `mae` is better when lower, all others when higher."""
    return next(iter(_METRICS[kind].items()))


def quality(head: TaskHead, label: Values, answers: Values) -> dict[str, float]:
    """Every metric of the task; for numbers also `nmae`, MAE / deviation of the training labels, and `mean_error`."""
    once = np.ones(len(label))
    found = {name: float(metric(label, answers, once)) for name, metric in _METRICS[head.kind].items()}
    if head.is_number:
        found["nmae"] = found["mae"] / head.std
        found["mean_error"] = float((answers.astype(float) - label).mean()) if len(label) else float("nan")
    return found


def selection_loss(head: TaskHead, label: Values, answers: Values) -> float:
    """What the weights are chosen by on validation rows: lower is better."""
    return quality(head, label, answers)[_LOSS.get(head.kind, "mae")]
