"""Scores of several seeds become a mean with an interval, and two models become a difference with one.

A resample draws entities, all rows of one together, for the rows of one customer or team are not news of several; and
it draws seeds, for a model is its training and not one outcome of it. All models see the same resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.labels.table import Values
from model.metrics import Metric, accuracy, auroc, macro_auroc, mae, mean_score
from model.protocol.scored import Floats

NUM_RESAMPLES = 1000
_ROWS_AT_ONCE = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """A metric of one model."""

    mean: float
    """Over the seeds."""
    low: float
    high: float
    """95 % interval of the bootstrap."""
    seeds: tuple[float, ...]
    """The metric of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """metric(first) - metric(second) on the same rows."""

    first: str
    second: str
    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether chance is ruled out, at 95 %."""
        return self.low > 0 or self.high < 0


METRIC: Mapping[str, Metric] = {
    "auroc": auroc,
    "accuracy": accuracy,
    "macro_auroc": macro_auroc,
    "mae": mae,
    "map": mean_score,
}
"""Of `Bench.metric`; scores of a ranking are the average precisions of their rows already."""


class Resamples:
    """The metric of every model and seed on every resample."""

    def __init__(
        self,
        metric: str,
        label: Floats,
        entity: Values,
        scores: Mapping[str, Sequence[Floats]],
        *,
        num_resamples: int = NUM_RESAMPLES,
        seed: int = 0,
    ) -> None:
        """Draw them.

        Args:
            metric: of METRIC.
            label: [R], or [R, K] by task.
            entity: [R] whose row it is.
            scores: by model, [R] or [R, K] of each seed.
            num_resamples: N.
            seed: of the draws.
        """
        self._seed, self._num_resamples = seed, num_resamples
        whole = np.ones((1, len(label)))
        judge = METRIC[metric]
        self.values = {name: tuple(float(judge(label, s, whole)[0]) for s in each) for name, each in scores.items()}
        rng = np.random.default_rng(seed)
        owner = np.unique(entity, return_inverse=True)[1]
        num_entities = int(owner.max()) + 1
        found: dict[str, list[list[Floats]]] = {name: [[] for _ in each] for name, each in scores.items()}
        at_once = max(1, _ROWS_AT_ONCE // len(label))
        for start in range(0, num_resamples, at_once):
            count = min(at_once, num_resamples - start)
            drawn = rng.integers(num_entities, size=(count, num_entities)) + num_entities * np.arange(count)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
            weights = counts[:, owner].astype(np.float64)
            for name, each in scores.items():
                for place, score in enumerate(each):
                    found[name][place].append(judge(label, score, weights))
        self._samples = {name: np.stack([np.concatenate(s) for s in each]) for name, each in found.items()}

    def quality(self, model: str) -> Quality:
        """One model's."""
        low, high = _interval(self._over_seeds(model))
        return Quality(mean=float(np.mean(self.values[model])), low=low, high=high, seeds=self.values[model])

    def difference(self, first: str, second: str) -> Difference:
        """Of two models; where both have as many seeds, the same ones are drawn, as a student's are its teacher's."""
        low, high = _interval(self._over_seeds(first) - self._over_seeds(second))
        mean = float(np.mean(self.values[first]) - np.mean(self.values[second]))
        return Difference(first=first, second=second, mean=mean, low=low, high=high)

    def _over_seeds(self, model: str) -> Floats:
        """[N] mean over the seeds that each resample draws."""
        samples_SN = self._samples[model]
        num_seeds, num_resamples = samples_SN.shape
        drawn_SN = np.random.default_rng([self._seed, num_seeds]).integers(num_seeds, size=samples_SN.shape)
        mean: Floats = samples_SN[drawn_SN, np.arange(num_resamples)].mean(axis=0)
        return mean


def _interval(samples: Floats) -> tuple[float, float]:
    """2.5th and 97.5th percentile; NaN where no resample has a value, as with labels of one class."""
    known: npt.NDArray[np.float64] = samples[~np.isnan(samples)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
