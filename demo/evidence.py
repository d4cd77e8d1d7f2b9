"""Arrays that the page draws: scores of the test rows, and every request of the release with what was asked for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreEvidence:
    """Test rows."""

    label: Floats
    """[rows] 0 or 1."""
    scores: dict[str, Floats]
    """Model -> [rows] probability."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A stretch of the release between two changes of the release file."""

    name: str
    start_s: float
    """Seconds since the load began."""
    end_s: float
    weights: dict[str, int]
    """Version -> percent of traffic that the file asks for."""
    newer: str = ""
    """The version whose share is checked; empty where one version has all traffic."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutEvidence:
    """Every request, and the steps that it fell into."""

    intended_s: Floats
    """[requests] when the schedule meant it to be sent, seconds since the load began."""
    latency_ms: Floats
    """[requests] from the intended send time to the whole answer."""
    ok: npt.NDArray[np.bool_]
    """[requests] answered with a score."""
    version: npt.NDArray[np.str_]
    """[requests] which version answered; empty where none did."""
    steps: tuple[Step, ...]

    def during(self, step: Step) -> npt.NDArray[np.bool_]:
        """[requests] those meant to be sent within the step."""
        inside: npt.NDArray[np.bool_] = (self.intended_s >= step.start_s) & (self.intended_s < step.end_s)
        return inside
