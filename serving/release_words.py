"""A release -> the lines that say how things stand: who serves, what holds it, and what comes next."""

from datetime import datetime

from serving.release import Release
from serving.release_story import span
from serving.release_verbs_side import describe


def standing(release: Release, *, now: datetime) -> list[str]:
    """One line for each thing that a person on call wants to know."""
    return [*_hold(release, now), *_trial(release, now), *_provisional(release, now), *_barred(release)]


def _hold(release: Release, now: datetime) -> list[str]:
    if release.hold is None:
        return []
    hold = release.hold
    return [f"held by {hold.owner} for {span(now - hold.since)}: {hold.reason}"]


def _trial(release: Release, now: datetime) -> list[str]:
    lines = []
    if candidate := release.candidate:
        lasted = f" for {span(now - candidate.since)}" if candidate.since else ""
        lines.append(f"{candidate.version} is on trial at {candidate.weight} %{lasted}")
        lines += [f"{candidate.version} gets {describe(rule, candidate.weight)}" for rule in candidate.match]
    if (step := release.step()) and release.plan:
        then = release.next_step()
        lines.append(
            f"step {release.plan.steps.index(step) + 1} of {len(release.plan.steps)}: {step.min_samples:,} samples of "
            f"each version, {step.min_minutes:g} to {step.max_minutes:g} minutes; then "
            + (f"{then.weight:g} %" if then else "promotion")
        )
    if shadow := release.shadow:
        lines.append(f"{shadow.version} gets copies of {shadow.percent} % of the requests")
    return lines


def _provisional(release: Release, now: datetime) -> list[str]:
    if release.previous is None or release.stable is None:
        return []
    previous, stable = release.previous, release.stable
    lasted = f" for {span(now - previous.since)}" if previous.since else ""
    keeps = f"keeps {previous.weight} %" if previous.weight else "waits without traffic"
    return [
        f"{stable.version} is provisional{lasted}; {previous.version} {keeps}: "
        f"`verify` ends that, `rollback {stable.version}` goes back"
    ]


def _barred(release: Release) -> list[str]:
    return [f"rejected {entry.version} ({entry.digest[:19]}): {entry.reason}" for entry in release.rejected]
