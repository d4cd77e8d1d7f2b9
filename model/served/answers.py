"""What a network says of a batch -> what a client gets: probabilities, or numbers in the unit of the label.

One number a row [B] for `binary` and `regression`; a vector [B, K] for `multiclass`, `multilabel` (a probability of
each class) and `forecast` (a number for each timeframe). Imports numpy only: copied into the Triton repository.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from model.served.inputs import Float

NUMBERS = ("regression", "forecast")
"""Tasks whose answers are in the unit of the label."""
VECTORS = ("multiclass", "multilabel", "forecast")
"""Tasks that answer with several numbers a row."""


def rescale(task: str, output: Float, target: Mapping[str, Any]) -> Float:
    """The network's own output -> logits, or values in the unit of the label."""
    if task not in NUMBERS:
        return output
    value: Float = output * np.float32(target["std"]) + np.float32(target["mean"])
    return value


def answer(task: str, logit: Float, target: Mapping[str, Any]) -> Float:
    """Logits -> probabilities; values -> the same, kept between the `low` and `high` of the training labels."""
    if task in NUMBERS:
        low, high = target.get("low"), target.get("high")
        kept: Float = logit if low is None or high is None else np.clip(logit, np.float32(low), np.float32(high))
        return kept
    if task == "multiclass":
        above = np.exp(logit - logit.max(axis=-1, keepdims=True, initial=-np.inf))
        share: Float = above / above.sum(axis=-1, keepdims=True)
        return share
    with np.errstate(over="ignore"):
        chance: Float = np.reciprocal(1 + np.exp(-logit), dtype=np.float32)
    return chance


def told(task: str, score: Float) -> Float:
    """[B] one number of each answer, for what watches how answers shift: the largest or mean of a vector."""
    if task not in VECTORS:
        return score
    number: Float = score.max(axis=-1, initial=0.0) if task == "multiclass" else score.mean(axis=-1)
    return number
