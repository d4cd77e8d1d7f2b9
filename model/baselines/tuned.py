"""The settings of the trees and the features that they get, chosen on the validation rows, one knob after the other."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from model.baselines.feature_table import Features
from model.baselines.trees import TreeSettings, fit_trees
from model.labels.training_table import TrainingTable
from model.progress import Progress, silent
from model.query.bound import BoundQuery

KNOBS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("num_leaves", (7, 15, 63)),
    ("min_data_in_leaf", (20, 200)),
    ("feature_fraction", (0.25, 0.8)),
    ("lambda_l2", (10.0,)),
)
"""What is tried beside the defaults."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuned:
    """The choice that was best on the validation rows."""

    features: str
    """Name of the set."""
    settings: TreeSettings
    validation_loss: float
    num_tried: int

    def to_json(self) -> dict[str, Any]:
        """For an artifact's metrics."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Tuned":
        """The inverse of `to_json`."""
        return cls(**{**found, "settings": TreeSettings(**found["settings"])})


def tune(sets: Mapping[str, Features], table: TrainingTable, bound: BoundQuery, progress: Progress = silent) -> Tuned:
    """Try every set of features with the defaults, then each knob with the best so far."""
    total, tried = len(sets) + sum(len(values) for _, values in KNOBS), 0
    best: Tuned | None = None

    def attempt(name: str, settings: TreeSettings) -> None:
        nonlocal best, tried
        loss = fit_trees(sets[name], table, bound, settings).validation_loss
        tried += 1
        if best is None or loss < best.validation_loss:
            best = Tuned(features=name, settings=settings, validation_loss=loss, num_tried=tried)
        progress(tried, total)

    for name in sets:
        attempt(name, TreeSettings())
    assert best is not None, "there is a set of features"
    for knob, values in KNOBS:
        base = best
        for value in values:
            changed: dict[str, Any] = {knob: value}
            attempt(base.features, replace(base.settings, **changed))
    return replace(best, num_tried=tried)
