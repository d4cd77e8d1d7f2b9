"""What was counted of both versions, window by window: the only thing that a verdict reads.

A window is the stretch between two looks. Windows are added, never merged or counted again: the chance of a wrong
rollback is bounded over all of them together.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from serving.part import Part

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Outcome(StrEnum):
    """How a request ended, as its caller saw it."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    """4xx: the caller's mistake, or a contract that the candidate broke."""
    SERVER_ERROR = "server_error"
    """5xx but for the two below."""
    TIMEOUT = "timeout"
    """504, or the gateway gave up waiting."""
    UNAVAILABLE = "unavailable"
    """503: no replica took it."""


class Signal(StrEnum):
    """A family of series that may be there or not."""

    REQUESTS = "requests"
    LATENCY = "latency"
    SCORES = "scores"
    PAIRS = "pairs"


class SeriesState(StrEnum):
    """What became of a signal in a window; all but PRESENT is no evidence, and none of it is zero."""

    PRESENT = "present"
    MISSING = "missing"
    """No such series, or the source of metrics did not answer."""
    STALE = "stale"
    """The last sample is older than a few scrapes."""
    RESET = "counter_reset"
    """A counter fell: its process began anew within the window."""
    TOO_SHORT = "too_short"
    """Fewer than two scrapes lie within the window."""
    SKEWED = "clock_skew"
    """The clock of whoever looks and the source's differ: nobody can say what belongs to the step."""
    WARM_UP = "warm_up"
    """The youngest replica of one of the versions was still warming up."""


class Histogram(Part):
    """Cumulative counts, as Prometheus gives them."""

    upper_bounds: tuple[float, ...] = Field(min_length=1)
    """Inclusive, ascending, without +Inf."""
    cumulative: tuple[int, ...]
    """Observations at or below each bound, and all of them last: one longer than the bounds."""

    @model_validator(mode="after")
    def _one_longer(self) -> Self:
        if len(self.cumulative) != len(self.upper_bounds) + 1:
            raise ValueError(
                f"cumulative: one count for each bound and one for all (got {len(self.cumulative)} counts, "
                f"{len(self.upper_bounds)} bounds)"
            )
        return self

    @property
    def total(self) -> int:
        """All observations."""
        return self.cumulative[-1]


class Version(Part):
    """One of the two that are compared."""

    version: str = Field(min_length=1)
    digest: Digest
    ready: AwareDatetime
    """When its youngest replica's *model* became ready; its warm-up is counted from here."""


class Arm(Part):
    """Counts of one version within one window: differences of counters, never extrapolated."""

    outcomes: Mapping[Outcome, int] = Field(default_factory=dict)
    """Answered requests by outcome; one that is not named had none."""
    latency_ms: Histogram | None = None
    scores: Histogram | None = None
    """Of the predictions, to compare the two versions' distributions."""
    states: Mapping[Signal, SeriesState] = Field(default_factory=dict)
    """Signals that are not PRESENT; counts of such a signal are not read."""

    @property
    def requests(self) -> int:
        """Answered requests, whatever their outcome."""
        return sum(self.outcomes.values())

    def count(self, *outcomes: Outcome) -> int:
        """Requests that ended in one of these ways."""
        return sum(self.outcomes.get(outcome, 0) for outcome in outcomes)

    def state(self, signal: Signal) -> SeriesState:
        """What became of the signal; a histogram that is not there is MISSING whatever `states` says."""
        state = self.states.get(signal, SeriesState.PRESENT)
        held = {Signal.LATENCY: self.latency_ms, Signal.SCORES: self.scores}
        if state is SeriesState.PRESENT and signal in held and held[signal] is None:
            return SeriesState.MISSING
        return state


class Pairs(Part):
    """Answers of both versions to the same requests, where the candidate gets a mirror of the traffic."""

    compared: int
    disagreed: int
    """Pairs whose scores differ by more than the comparison's tolerance, or whose decision differs."""


class Window(Part):
    """Both versions over the same stretch of time, [start, end)."""

    start: AwareDatetime
    end: AwareDatetime
    asked_percent: float = Field(ge=0, le=100)
    """The candidate's share of the routed traffic as the release file asked for it; requests that were sent to a
    version by name (a tester's header) are not counted in either arm."""
    elsewhere_percent: float = Field(default=0, ge=0, lt=100)
    """What a third version keeps of it, such as the one that was stable before; in neither arm."""
    stable: Arm
    candidate: Arm
    pairs: Pairs | None = None

    @property
    def asked_share(self) -> float:
        """The candidate's, 0 to 1, of what both versions together get."""
        return self.asked_percent / (100 - self.elsewhere_percent)


class Evidence(Part):
    """Everything since the candidate got its first traffic, in the order of time."""

    endpoint: str = Field(min_length=1)
    stable: Version
    candidate: Version
    step_start: AwareDatetime
    """When the weight that is asked for now took effect on the data plane."""
    gathered: AwareDatetime
    """The source's clock at the last query."""
    windows: tuple[Window, ...] = ()
    queries: Mapping[str, str] = Field(default_factory=dict)
    """Signal and arm -> the query that counted it, e.g. `requests.candidate`."""
