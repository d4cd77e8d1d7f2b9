"""Raw samples of counters -> how much they grew between two scrapes, exactly.

A scrape stamps all of its samples with one time, so the gateway's uptime tells when it was scraped. Counting begins at
the first scrape of the window and ends at the last: nothing from before the window is ever counted. A counter that
appears later was zero until then, and a process that began within the window counted from zero.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from serving.prometheus import Series
from serving.signals.names import INSTANCE
from serving.signals.no_answer import NoData, Reset, Stale, TooFewPoints

_FEWEST_SCRAPES = 2
_UPTIME_STEP_S = 1.0
"""Envoy tells its uptime in whole seconds."""
_ROUNDING_S = 0.00001
"""A window that begins at a scrape holds it, though the time was held in microseconds meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """When one gateway process, or one after the other at the same address, was scraped."""

    scraped_s: tuple[float, ...]
    restarted_s: tuple[float, ...]
    """The first scrape of each process but the first."""
    is_born: bool
    """Whether the first process began within the window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Which part of a window the scrapes cover."""

    lives: Mapping[str, Life]
    """By address of the gateway."""
    start_s: float
    """Unix time of the first scrape."""
    end_s: float
    """Of the last."""


@dataclass(kw_only=True, slots=True)
class Growth:
    """Sums over series."""

    by_label: dict[str, float] = field(default_factory=dict)
    """Value of a label -> growth of all series that have it."""
    fell_s: set[float] = field(default_factory=set)
    """When a counter fell back although its process went on: its arm was taken out and came again."""

    def reset(self, covered: Coverage) -> Reset | None:
        """Whether counters began anew meanwhile; the sums hold all the same, but for the last moments before."""
        times_s = self.fell_s.union(*(life.restarted_s for life in covered.lives.values()))
        return Reset(times=len(times_s), last_s=max(times_s)) if times_s else None


def coverage(
    uptime: Iterable[Series], *, start_s: float, end_s: float, stale_after_s: float
) -> Coverage | NoData | Stale | TooFewPoints:
    """What the scrapes of all gateways cover of `[start_s, end_s]`.

    Args:
        uptime: samples of each gateway's uptime, or of `always_up`.
        start_s: Unix time.
        end_s: Unix time; samples after it are left out.
        stale_after_s: the newest scrape may be so much older than `end_s`.
    """
    lives = {
        series.labels.get(INSTANCE, ""): life
        for series in uptime
        if (life := _life(series, start_s, end_s)) is not None
    }
    if not lives:
        return NoData(what=f"nobody who counts was scraped in the {end_s - start_s:.1f} s of the window")
    newest_s = max(life.scraped_s[-1] for life in lives.values())
    if end_s - newest_s > stale_after_s:
        return Stale(age_s=end_s - newest_s, limit_s=stale_after_s)
    scrapes = max(len(life.scraped_s) for life in lives.values())
    if scrapes < _FEWEST_SCRAPES:
        return TooFewPoints(what=f"{scrapes} scrape in the {end_s - start_s:.1f} s of the window, 2 make a difference")
    return Coverage(lives=lives, start_s=min(life.scraped_s[0] for life in lives.values()), end_s=newest_s)


def always_up(scrapes: Iterable[Series]) -> tuple[Series, ...]:
    """Scrapes of processes that tell no uptime, as if all had run since ever; a counter that falls still tells.

    Args:
        scrapes: samples of `up`; those of a scrape that failed are left out.
    """
    kept = []
    for series in scrapes:
        times_s = tuple(t for t, value in zip(series.times_s, series.values, strict=True) if value == 1)
        if times_s:
            kept.append(Series(labels=series.labels, times_s=times_s, values=times_s))
    return tuple(kept)


def growth(counters: Iterable[Series], covered: Coverage, *, label: str) -> Growth:
    """How much counters grew, by the values of a label.

    A counter of a gateway that was not scraped within the window counts nothing.
    """
    total = Growth()
    for series in counters:
        life = covered.lives.get(series.labels.get(INSTANCE, ""))
        if life is not None:
            value = series.labels.get(label, "")
            total.by_label[value] = total.by_label.get(value, 0.0) + _grown(series, life, total.fell_s)
    return total


def _life(uptime: Series, start_s: float, end_s: float) -> Life | None:
    samples = [
        (t, up) for t, up in zip(uptime.times_s, uptime.values, strict=True) if start_s - _ROUNDING_S <= t <= end_s
    ]
    if not samples:
        return None
    pairs = pairwise(samples)
    first_s, first_uptime_s = samples[0]
    return Life(
        scraped_s=tuple(time_s for time_s, _ in samples),
        restarted_s=tuple(after[0] for before, after in pairs if _is_restart(before, after)),
        # At the latest possible beginning: what ran already must not pass for new.
        is_born=first_s - first_uptime_s - _UPTIME_STEP_S >= start_s,
    )


def _is_restart(before: tuple[float, float], after: tuple[float, float]) -> bool:
    """Whether a process began between two scrapes, each (time, uptime).

    The uptime of the same process grows as fast as time, but for its whole seconds and for scrapes that took long; of
    two that began one after the other it may stand still.
    """
    elapsed_s, gained_s = after[0] - before[0], after[1] - before[1]
    return gained_s < 0 or gained_s < elapsed_s / 2 - _UPTIME_STEP_S


def _grown(series: Series, life: Life, fell_s: set[float]) -> float:
    """Of one counter over the scrapes of its gateway."""
    begin_s, last_s = life.scraped_s[0], life.scraped_s[-1]
    samples = [(t, value) for t, value in zip(series.times_s, series.values, strict=True) if begin_s <= t <= last_s]
    if not samples:
        return 0.0
    before_s, before = begin_s, 0.0
    if samples[0][0] == begin_s and not life.is_born:
        before = samples[0][1]
    total = 0.0
    for time_s, value in samples:
        if _between(life.restarted_s, before_s, time_s):
            before = 0.0
        elif value < before:
            fell_s.add(time_s)
            before = 0.0
        total += value - before
        before_s, before = time_s, value
    return total


def _between(sorted_s: Sequence[float], after_s: float, until_s: float) -> bool:
    return bisect_right(sorted_s, until_s) > bisect_right(sorted_s, after_s)
