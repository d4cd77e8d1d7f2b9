"""Which windows may be counted, and why the others may not."""

from datetime import datetime, timedelta

from serving.judge.evidence import Evidence, SeriesState, Signal, Window

PRESENT = SeriesState.PRESENT


def warm_from(evidence: Evidence, warm_up_seconds: float) -> datetime:
    """From when on both versions are warm; counted alike on both, so that neither is judged cold."""
    return max(evidence.stable.ready, evidence.candidate.ready) + timedelta(seconds=warm_up_seconds)


def window_state(window: Window, signal: Signal, warm: datetime) -> SeriesState:
    """Of a signal in a window: the worse of both versions'; without requests no other signal counts."""
    if window.start < warm:
        return SeriesState.WARM_UP
    states = [arm.state(each) for arm in (window.candidate, window.stable) for each in (Signal.REQUESTS, signal)]
    if signal is Signal.PAIRS and window.pairs is None:
        states.append(SeriesState.MISSING)
    return next((state for state in states if state is not PRESENT), PRESENT)


def usable(evidence: Evidence, signal: Signal, warm: datetime) -> tuple[Window, ...]:
    """Windows in which the signal is there for both versions, in the order of time."""
    return tuple(window for window in evidence.windows if window_state(window, signal, warm) is PRESENT)


def of_step(evidence: Evidence, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """Those of the present step."""
    return tuple(window for window in windows if window.start >= evidence.step_start)


def newest_state(evidence: Evidence, signal: Signal, warm: datetime) -> SeriesState:
    """Of the signal in the newest window; MISSING where there is no window at all."""
    return window_state(evidence.windows[-1], signal, warm) if evidence.windows else SeriesState.MISSING
