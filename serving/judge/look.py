"""Where a rollout stands at a look: the windows that count, and what the step has had so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from serving.judge.evidence import Evidence, Signal, Window
from serving.judge.plan import Plan, Step
from serving.judge.usable import Stretch, cold_stretches, of_step, usable


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What all parts of a judgement share."""

    evidence: Evidence
    plan: Plan
    step: Step
    cold: tuple[Stretch, Stretch]
    """When one of the versions was warming up."""
    windows: tuple[Window, ...]
    """Of this step in which requests were counted on both versions."""
    looks: int
    """At which the step could have ended, this one included."""

    @property
    def requests(self) -> tuple[int, int]:
        """(stable version's, candidate's) in this step."""
        return sum(each.stable.requests for each in self.windows), sum(each.candidate.requests for each in self.windows)

    @property
    def minutes(self) -> float:
        """Of the step that have been looked at."""
        last = self.windows[-1].end if self.windows else self.evidence.step_start
        return (last - self.evidence.step_start).total_seconds() / 60

    @property
    def overdue(self) -> bool:
        """Whether the step has lasted longer than it may."""
        lasted = self.evidence.gathered - self.evidence.step_start
        return lasted.total_seconds() >= 60 * self.step.max_minutes


def look_at(evidence: Evidence, plan: Plan, step: Step) -> Look:
    """The windows that count in this step, and its looks."""
    cold = cold_stretches(evidence, plan.warm_up_seconds)
    windows = of_step(evidence, usable(evidence, Signal.REQUESTS, cold))
    looks = eligible_looks(windows, evidence.step_start, step)
    return Look(evidence=evidence, plan=plan, step=step, cold=cold, windows=windows, looks=looks)


def eligible_looks(windows: Sequence[Window], step_start: datetime, step: Step) -> int:
    """Windows at whose end the step had its samples and its time: looks that may spend alpha on advancing."""
    stable = candidate = looks = 0
    for window in windows:
        stable, candidate = stable + window.stable.requests, candidate + window.candidate.requests
        minutes = (window.end - step_start).total_seconds() / 60
        looks += min(stable, candidate) >= step.min_samples and minutes >= step.min_minutes
    return looks
