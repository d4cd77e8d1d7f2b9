"""Which windows may be counted, and why the others may not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from serving.judge.evidence import Evidence, SeriesState, Signal, Window

PRESENT = SeriesState.PRESENT


Stretch = tuple[datetime, datetime]
"""[from, to)."""


def cold_stretches(evidence: Evidence, warm_up_seconds: float) -> tuple[Stretch, Stretch]:
    """When either version's youngest replica was warming up.

    What was counted before is not lost by a replica that is added later. Both versions are left out alike, so that
    neither is judged cold.
    """
    warm_up = timedelta(seconds=warm_up_seconds)
    stable, candidate = evidence.stable.ready, evidence.candidate.ready
    return (stable, stable + warm_up), (candidate, candidate + warm_up)


def window_state(window: Window, signal: Signal, cold: Sequence[Stretch]) -> SeriesState:
    """Of a signal in a window: the worse of both versions'; without requests no other signal counts."""
    if any(window.start < end and window.end > begin for begin, end in cold):
        return SeriesState.WARM_UP
    states = [arm.state(each) for arm in (window.candidate, window.stable) for each in (Signal.REQUESTS, signal)]
    if signal is Signal.PAIRS and window.pairs is None:
        states.append(SeriesState.MISSING)
    return next((state for state in states if state is not PRESENT), PRESENT)


def usable(evidence: Evidence, signal: Signal, cold: Sequence[Stretch]) -> tuple[Window, ...]:
    """Windows in which the signal is there for both versions, in the order of time."""
    return tuple(window for window in evidence.windows if window_state(window, signal, cold) is PRESENT)


def of_step(evidence: Evidence, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """Those of the present step."""
    return tuple(window for window in windows if window.start >= evidence.step_start)


def newest_state(evidence: Evidence, signal: Signal, cold: Sequence[Stretch]) -> SeriesState:
    """Of the signal in the newest window; MISSING where there is no window at all."""
    return window_state(evidence.windows[-1], signal, cold) if evidence.windows else SeriesState.MISSING
