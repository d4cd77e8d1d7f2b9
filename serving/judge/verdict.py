"""What a look at the evidence ends in: a verdict, why in words and numbers, and what was found for each metric."""

from enum import StrEnum

from pydantic import Field

from serving.judge.evidence import SeriesState
from serving.part import Part


class Verdict(StrEnum):
    """What the evidence says; only ADVANCE may move weight towards the candidate."""

    ADVANCE = "advance"
    """No metric is worse by its margin, by the stated alpha, with enough samples and time."""
    HOLD = "hold"
    """Neither good nor bad enough yet, or harm that a person should weigh."""
    ROLLBACK = "rollback"
    """Harm is proven, or evidence has been missing for as long as the file allows."""
    NO_DATA = "no_data"
    """Something that the verdict needs is missing, stale, or was never counted."""
    ERROR = "error"
    """The evidence contradicts itself, or the traffic is not split as asked: no comparison counts."""


class Finding(Part):
    """What one metric says."""

    name: str
    state: SeriesState
    """Of the newest window."""
    words: str
    """Both versions in numbers, in this step."""
    worse_by: float | None = None
    """In the margin's unit, this step; None without evidence."""
    margin: float
    e_value: float = 1.0
    """The highest so far in the whole rollout; at most 1e299. 1 is no evidence of harm."""
    e_limit: float
    """1 / alpha: harm is proven from here on."""
    upper_bound: float | None = None
    """How much worse the candidate may be, with the confidence that is left to this look."""
    alpha: float
    alpha_spent: float = 0.0
    """Of the alpha for advancing, by the looks of this step."""
    samples_needed: int | None = None
    """More requests of the candidate with which it would pass as things stand; None: it passes, or never would."""
    harmful: bool = False
    passes: bool = False


class SplitFinding(Part):
    """Whether the traffic is split as asked."""

    asked: float
    """Share of the requests, 0 to 1, over all usable windows; weights may have changed between them."""
    observed: float
    e_value: float
    e_limit: float

    @property
    def mismatched(self) -> bool:
        """Whether it is proven not to be."""
        return self.e_value >= self.e_limit


class Judgement(Part):
    """A verdict, and all that led to it."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = Field(default=(), strict=False)
    split: SplitFinding | None = None
    stable_requests: int = 0
    """Counted in this step."""
    candidate_requests: int = 0
    minutes: float = 0.0
    """Of this step that have been looked at."""
    looks: int = 0
    """At which this step could have ended."""
    alpha: float
    """Chance, over all metrics and looks of the rollout, of a ROLLBACK of a candidate that is no worse."""
    alpha_spent: float = 0.0
    """The largest of the metrics': one of them that fails is enough to hold."""
    samples_needed: int | None = None
    """Requests of the candidate in this step, more than there are, until it may advance as things stand."""
    overdue: bool = False
    """Whether the step has lasted longer than it may: a person is called."""
