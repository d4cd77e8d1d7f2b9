"""Commits of a release file -> chapters, one for each version on trial, to be read from the top."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from serving.release_repository import HistoryEntry

Ending = Literal["promoted", "rolled back", "on trial", ""]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One commit."""

    when: datetime
    after: timedelta | None
    """Since the line before it in the chapter; None for the first."""
    who: str
    """Who answers for it, or else who committed."""
    what: str
    verdict: str
    evidence: str
    """Digest of the evidence; empty where there is none."""
    commit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """What was done to one version on trial, or between two of them."""

    version: str
    """Empty between two trials."""
    lines: tuple[Line, ...]
    ending: Ending

    @property
    def title(self) -> str:
        """`v2: promoted after 3 h 12 min`."""
        if not self.version:
            return "between trials"
        lasted = span(self.lines[-1].when - self.lines[0].when)
        return f"{self.version}: {self.ending}" + (f" after {lasted}" if self.ending != "on trial" else "")


def chapters(entries: Sequence[HistoryEntry]) -> list[Chapter]:
    """Tell the story from the oldest of the commits, which come newest first."""
    told: list[Chapter] = []
    group: list[HistoryEntry] = []
    version = ""
    for entry in reversed(entries):
        before, now = version, _candidate(entry, version)
        if now != before and not before and group:
            told.append(_chapter("", group))
            group = []
        group.append(entry)
        if now != before and before:
            # The commit that ends a trial belongs to it.
            told.append(_chapter(before, group))
            group = []
        version = now
    return [*told, _chapter(version, group)] if group else told


def span(time: timedelta) -> str:
    """`42 s`, `12 min`, `3 h 12 min`, `2 d 4 h`."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    words = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(words[:2]) or f"{seconds} s"


def _candidate(entry: HistoryEntry, before: str) -> str:
    """Who is on trial after a commit; an edit by hand does not say, and counts as no change."""
    told = entry.trailers.get("Candidate", before)
    return "" if told == "none" else told


def _chapter(version: str, entries: Sequence[HistoryEntry]) -> Chapter:
    lines: list[Line] = []
    for entry in entries:
        trailers = entry.trailers
        lines.append(
            Line(
                when=entry.when,
                after=entry.when - lines[-1].when if lines else None,
                who=trailers.get("By", entry.author),
                what=entry.subject.partition("): ")[2] or entry.subject,
                verdict=trailers.get("Verdict", ""),
                evidence=trailers.get("Evidence", ""),
                commit=entry.commit,
            )
        )
    return Chapter(version=version, lines=tuple(lines), ending=_ending(version, entries[-1]))


def _ending(version: str, last: HistoryEntry) -> Ending:
    if not version:
        return ""
    if _candidate(last, version) == version:
        return "on trial"
    return "promoted" if last.trailers.get("Stable") == version else "rolled back"
