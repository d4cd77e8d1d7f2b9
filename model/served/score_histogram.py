"""Scores as they are given -> cumulative counts by bound: what tells that a version answers differently from another.

The bounds depend on the task alone, so that two versions can be compared whatever they were trained on.
"""

import threading

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
_RARE = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
"""Probabilities below a half; above it the same from the other end."""
_PER_DECADE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_DECADES = range(-2, 6)


def score_bounds(task: str) -> tuple[float, ...]:
    """Inclusive upper bounds, without infinity: fine towards 0 and 1 for probabilities, and towards 0 for values."""
    if task in ("binary", "multiclass", "multilabel"):
        return (*_RARE, 0.5, *(round(1 - share, 4) for share in reversed(_RARE)))
    sizes = [round(step * 10.0**decade, 2 - decade) for decade in _DECADES for step in _PER_DECADE]
    return (*(-size for size in reversed(sizes)), 0.0, *sizes)


class ScoreHistogram:
    """Counts from one thread, told from another."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Begin with nothing; `bounds` ascend."""
        self._bounds: Floats = np.array(bounds, dtype=np.float64)
        self._fresh: Counts = np.zeros(len(bounds) + 1, dtype=np.int64)
        self._lock = threading.Lock()

    def add(self, score_B: npt.NDArray[np.floating]) -> None:
        """Count scores; one that is not finite was not given to anybody."""
        places = np.searchsorted(self._bounds, score_B[np.isfinite(score_B)])
        counted = np.bincount(places, minlength=len(self._bounds) + 1)
        with self._lock:
            self._fresh += counted

    def take(self) -> Counts:
        """[bounds + 1] scores at or below each bound, and all of them last, since the last take."""
        with self._lock:
            taken, self._fresh = self._fresh, np.zeros_like(self._fresh)
        return taken.cumsum()
