"""Evidence that cannot be: a verdict on it would be a verdict on the bookkeeping."""

from collections.abc import Iterator
from itertools import pairwise

from serving.judge.evidence import Arm, Evidence, Histogram, Window
from serving.judge.plan import Step


def contradiction(evidence: Evidence, step: Step) -> str:
    """The first thing that cannot be, in words; empty when there is none."""
    return next(_contradictions(evidence, step), "")


def _contradictions(evidence: Evidence, step: Step) -> Iterator[str]:
    if evidence.stable.digest == evidence.candidate.digest:
        yield f"both versions are the same digest (got {evidence.stable.digest[:19]})"
    if evidence.gathered < evidence.step_start:
        yield f"the step begins after the evidence was gathered (got {evidence.step_start}, {evidence.gathered})"
    for earlier, later in pairwise(evidence.windows):
        if later.start < earlier.end:
            yield f"windows overlap (got {earlier.start} to {earlier.end}, then {later.start})"
    for window in evidence.windows:
        yield from (f"window of {window.start}: {problem}" for problem in _of_window(window, evidence, step))
    yield from _of_bounds(evidence)


def _of_window(window: Window, evidence: Evidence, step: Step) -> Iterator[str]:
    if window.end < window.start:
        yield f"ends before it begins (got {window.end})"
    if window.end == window.start and window.stable.requests + window.candidate.requests > 0:
        yield "counts requests in no time at all"
    if window.end > evidence.gathered:
        yield f"ends after it was gathered: clocks differ (got {window.end}, {evidence.gathered})"
    if window.start < evidence.step_start < window.end:
        yield f"spans a change of weights (at {evidence.step_start})"
    if window.start >= evidence.step_start and window.asked_percent != step.weight:
        yield f"was not asked for what the step asks (got {window.asked_percent:g} %, {step.weight:g} %)"
    for name, arm in (("stable version", window.stable), ("candidate", window.candidate)):
        yield from (f"{name}: {problem}" for problem in _of_arm(arm))
    if window.pairs is not None and not 0 <= window.pairs.disagreed <= window.pairs.compared:
        yield f"more pairs disagree than were compared (got {window.pairs.disagreed} of {window.pairs.compared})"


def _of_arm(arm: Arm) -> Iterator[str]:
    for outcome, count in arm.outcomes.items():
        if count < 0:
            yield f"fewer than no requests (got {count} of {outcome.value})"
    for name, histogram in (("latency", arm.latency_ms), ("scores", arm.scores)):
        if histogram is not None:
            yield from (f"{name}: {problem}" for problem in _of_histogram(histogram))


def _of_histogram(histogram: Histogram) -> Iterator[str]:
    if any(high <= low for low, high in pairwise(histogram.upper_bounds)):
        yield f"bounds do not ascend (got {histogram.upper_bounds})"
    if any(later < earlier for earlier, later in pairwise((0, *histogram.cumulative))):
        yield f"cumulative counts fall (got {histogram.cumulative})"


def _of_bounds(evidence: Evidence) -> Iterator[str]:
    arms = [arm for window in evidence.windows for arm in (window.stable, window.candidate)]
    for name, held in (
        ("latency", {arm.latency_ms.upper_bounds for arm in arms if arm.latency_ms}),
        ("scores", {arm.scores.upper_bounds for arm in arms if arm.scores}),
    ):
        if len(held) > 1:
            yield f"{name}: histograms with different bounds cannot be compared (got {len(held)} kinds)"
