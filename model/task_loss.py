"""What training makes small, by task: cross entropy for classes, absolute error for numbers.

Legend: B rows of a batch, K classes or timeframes.
"""

import torch
from torch import Tensor
from torch.nn import functional

from model.query.bound import TrainableTask

UNKNOWN_CLASS = -1
"""A row whose class no training row has: it counts in metrics, not in the loss."""


def label_loss(kind: TrainableTask, output: Tensor, target: Tensor) -> Tensor:
    """Mean over the batch, of outputs [B] or [B, K] against what `TaskHead.target` gives."""
    if kind == "multiclass":
        return functional.cross_entropy(output, target.long(), ignore_index=UNKNOWN_CLASS)
    if kind in ("binary", "multilabel"):
        return functional.binary_cross_entropy_with_logits(output, target)
    return functional.l1_loss(output, target)


def teacher_loss(kind: TrainableTask, output: Tensor, teacher: Tensor) -> Tensor:
    """The same against another model's outputs: its probabilities for classes, its values for numbers."""
    if kind == "multiclass":
        return functional.cross_entropy(output, torch.softmax(teacher, dim=-1))
    if kind in ("binary", "multilabel"):
        return functional.binary_cross_entropy_with_logits(output, teacher.sigmoid())
    return functional.huber_loss(output, teacher)
