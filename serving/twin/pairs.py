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
    """None where there is none; of an answer with several numbers the first."""
    more: tuple[float, ...] = ()
    """The others."""


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
        """Between the scores, the largest of several; None where one is missing, or where one answers with more."""
        if self.stable.score is None or self.shadow.score is None or len(self.stable.more) != len(self.shadow.more):
            return None
        stable, shadow = (self.stable.score, *self.stable.more), (self.shadow.score, *self.shadow.more)
        return max(abs(one - other) for one, other in zip(stable, shadow, strict=True))

    @property
    def outcome(self) -> Outcome:
        """A version that fails neither agrees nor disagrees: it is counted apart."""
        if self.stable.score is None:
            return "stable_failed"
        difference = self.difference
        if difference is None:
            return "shadow_failed"
        allowed = self.tolerance * max(1.0, *map(abs, (self.stable.score, *self.stable.more)))
        return "agreed" if difference <= allowed else "disagreed"


def read_answer(status: int, body: bytes) -> Answer:
    """Score of a V2 JSON answer with one row; whatever has none is a failure."""
    try:
        outputs = json.loads(body)["outputs"] if status == 200 else []
        score, *more = next([float(number) for number in one["data"]] for one in outputs if one["name"] == SCORE)
    except (ValueError, KeyError, TypeError, StopIteration):
        return Answer(status=status, score=None)
    if any(number != number for number in (score, *more)):
        return Answer(status=status, score=None)
    return Answer(status=status, score=score, more=tuple(more))
