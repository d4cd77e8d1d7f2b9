"""What a conductor may do in one pass; exactly one of these."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from serving.release_change import Change


class Outcome(StrEnum):
    """How conducting ended."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    HELD = "held"
    """By a person, or because a step took too long: nothing moves until `unhold`."""
    STEPPED = "stepped"
    """One change is in force, and no more was asked for."""
    IDLE = "idle"
    """Nothing is on trial, and nothing was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Follow:
    """Have the data plane take the file over."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Gather evidence about the present step, and judge it."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """Commit a verb's outcome."""

    change: Change

    @property
    def reason(self) -> str:
        """The verb's own words."""
        return self.change.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Do nothing for now."""

    reason: str
    until: datetime | None = None
    """When the next look is due; None where only somebody else can change something."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """There is nothing left to conduct."""

    outcome: Outcome
    reason: str


Action = Follow | Look | Write | Wait | End
