"""The highest rate that an endpoint holds, and a longer run at it whose figures count."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.closed_loop import http_loop
from bench.knee import LOWEST_RATE, KneeSearch
from bench.settings import BenchSettings
from bench.step import WARM_UP_S, Aim, Step, step_of

_BACK_OFF = 0.85
_BACK_OFFS = 12
_PROBE_CALLERS = 8
_OF_CLOSED_LOOP = 0.5
"""Where the search begins when nothing is known; with independent arrivals a server holds less than that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Knee:
    """What one round found out about one contestant."""

    confirmed: Step | None
    """The longer run at the highest rate that held; None where none did."""
    tried: tuple[Step, ...]
    """Every step, in order."""

    @property
    def rate(self) -> float:
        """Requests a second; 0 where no rate held."""
        return self.confirmed.rate if self.confirmed else 0.0


def find_knee(aim: Aim, settings: BenchSettings, *, start: float | None, seed: int, say: Callable[[str], None]) -> Knee:
    """Search, then confirm; a rate that does not hold for longer is lowered by a seventh until one does.

    Args:
        aim: the endpoint.
        settings: bound and lengths.
        start: a first guess; None lets a closed loop find one.
        seed: of the arrivals.
        say: told each step.
    """
    tried: list[Step] = []

    def run(rate: float, seconds: float) -> Step:
        wanted_s = max(seconds, settings.min_requests / rate) + WARM_UP_S
        result = aim.run_while_it_may_hold(rate, wanted_s, settings.bound_ms, seed=seed + len(tried))
        step = step_of(result, rate)
        tried.append(step)
        say(words(step, settings.bound_ms))
        return step

    if start is None:
        probe = http_loop(aim, _PROBE_CALLERS, settings.step_s)
        say(f"{probe.rate:,.0f}/s in a closed loop of {_PROBE_CALLERS}")
        start = max(_OF_CLOSED_LOOP * probe.rate, LOWEST_RATE)
    search = KneeSearch(start=start, tolerance=settings.tolerance)
    while (rate := search.next_rate()) is not None:
        search.tell(rate, run(rate, settings.step_s).holds(settings.bound_ms))
    if search.highest is None:
        return Knee(confirmed=None, tried=tuple(tried))
    rate = search.highest
    for _ in range(_BACK_OFFS):
        step = run(rate, settings.confirm_s)
        if step.holds(settings.bound_ms):
            return Knee(confirmed=step, tried=tuple(tried))
        rate *= _BACK_OFF
    return Knee(confirmed=None, tried=tuple(tried))


def words(step: Step, bound_ms: float) -> str:
    """`1,200/s held: p99 6.1 ms`."""
    outcome = "held" if step.holds(bound_ms) else "not held"
    p99 = f"p99 {step.p99_ms:.1f} ms" if step.p99_ms is not None else f"no p99 ({step.refusal})"
    failed = f", {step.failed} failed" if step.failed else ""
    return f"{step.rate:,.0f}/s {outcome}: {p99}{failed}, {step.requests:,} requests"
