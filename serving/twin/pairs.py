"""Two versions' answers to the same request -> a pair: do they agree, and by how much do they differ?"""

import json
from dataclasses import dataclass
from typing import Literal

from model.contract import SCORE

Outcome = Literal["agreed", "disagreed", "shadow_failed", "stable_failed"]
OUTCOMES: tuple[Outcome, ...] = ("agreed", "disagreed", "shadow_failed", "stable_failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one version said to a request that was repeated to it."""

    status: int
    """HTTP; 0 stands for no answer."""
    score: float | None
    """None where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One request, answered by both."""

    request_id: str
    """The gateway's `x-request-id`, which the access log has too."""
    stable: Answer
    shadow: Answer
    tolerance: float
    """The scores may differ by so much; from a score of 1 on, by that share of it."""

    @property
    def difference(self) -> float | None:
        """Between the scores; None where one is missing."""
        if self.stable.score is None or self.shadow.score is None:
            return None
        return abs(self.stable.score - self.shadow.score)

    @property
    def outcome(self) -> Outcome:
        """A version that fails neither agrees nor disagrees: it is counted apart."""
        if self.stable.score is None:
            return "stable_failed"
        difference = self.difference
        if difference is None:
            return "shadow_failed"
        allowed = self.tolerance * max(1.0, abs(self.stable.score))
        return "agreed" if difference <= allowed else "disagreed"


def read_answer(status: int, body: bytes) -> Answer:
    """Score of a V2 JSON answer with one row; whatever has none is a failure."""
    try:
        outputs = json.loads(body)["outputs"] if status == 200 else []
        score = next(float(one["data"][0]) for one in outputs if one["name"] == SCORE)
    except (ValueError, KeyError, TypeError, IndexError, StopIteration):
        return Answer(status=status, score=None)
    return Answer(status=status, score=score if score == score else None)
