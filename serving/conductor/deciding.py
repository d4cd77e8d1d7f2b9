"""File, data plane, evidence and clock -> what to do next: no effect, and the same answer whenever it is asked again.

The data plane follows first: nothing is judged, and nothing moved, while it serves anything but the committed file.
"""

from datetime import datetime, timedelta

from serving.conductor.action import Action, End, Follow, Look, Outcome, Wait, Write
from serving.conductor.plane import Served
from serving.conductor.progress import continues
from serving.judge.verdict import Verdict
from serving.release import Release
from serving.release_change import Change, changed
from serving.release_evidence import Weighed
from serving.release_verbs import ramp
from serving.release_verbs_evidence import OWNER, advance


def next_action(
    release: Release,
    revision: str,
    served: Served,
    weighed: Weighed | None,
    now: datetime,
    *,
    refused: str = "",
    stay: bool = False,
) -> Action:
    """What to do next.

    Args:
        release: the file as it is committed.
        revision: of that file.
        served: by the data plane.
        weighed: the last look at the present step; None before the first one.
        now: the clock.
        refused: why the data plane did not take this revision over when it was asked last; empty where it was not
            asked, or it is time to ask again.
        stay: go on looking while somebody holds the release: harm still rolls back.
    """
    if not served.serves(release, revision):
        return _to_be_served(release, served, now, refused)
    candidate = release.candidate
    if candidate is None:
        return End(outcome=Outcome.IDLE, reason="nothing is on trial")
    if release.hold and not stay:
        return End(outcome=Outcome.HELD, reason=f"held by {release.hold.owner}: {release.hold.reason}")
    if release.plan is None:
        return Wait(reason=f"plan: nothing says how {candidate.version} is to be judged")
    if candidate.since is None and not release.hold:
        return Write(change=ramp(release, weight=candidate.weight, now=now))
    if weighed is None or not _is_of_now(weighed, release):
        return Look(reason=f"the step at {candidate.weight} % begins")
    if now >= _next_look(weighed):
        return Look(reason="the next window has ended")
    return on_evidence(release, served, weighed, now)


def on_evidence(release: Release, served: Served, weighed: Weighed, now: datetime) -> Action:
    """What a fresh look leads to.

    Raises:
        UserError: it is not about this file.
    """
    change = advance(release, weighed=weighed, now=now)
    if change.release == release:
        return Wait(reason=change.reason, until=_next_look(weighed))
    if change.verdict == Verdict.ADVANCE and served.down:
        # More traffic for the one would be judged beside an arm that cannot answer, or fall on it when it is back.
        return Wait(reason=f"{', '.join(served.down)} cannot answer: no step on meanwhile", until=_next_look(weighed))
    return Write(change=change)


def _to_be_served(release: Release, served: Served, now: datetime, refused: str) -> Action:
    candidate, step = release.candidate, release.step()
    if not refused:
        wrong = "" if served.weights else f": {served.complaint}"
        return Follow(reason=f"the data plane serves {_words(served)}, the file says {_asked(release)}{wrong}")
    if candidate is None:
        # A rollback or a promotion that is not in force is tried again until it is.
        return Wait(reason=refused)
    if release.hold:
        return End(outcome=Outcome.HELD, reason=f"held by {release.hold.owner}: {release.hold.reason}")
    if step and candidate.since and now > candidate.since + timedelta(minutes=step.max_minutes):
        return Write(change=_hold_refused(release, step.max_minutes, refused, now))
    return Wait(reason=refused)


def _hold_refused(release: Release, max_minutes: float, refused: str, now: datetime) -> Change:
    reason = f"not in force within {max_minutes:g} minutes: {refused}"
    entry = {"owner": OWNER, "reason": " ".join(reason.split())[:500], "since": now}
    return changed(release, "hold", f"hold: {reason}", {"hold": entry}, verdict=Verdict.ERROR, by=OWNER)


def _is_of_now(weighed: Weighed, release: Release) -> bool:
    same = (weighed.plan, weighed.step) == (release.plan, release.step())
    return same and continues(weighed.evidence, release)


def _next_look(weighed: Weighed) -> datetime:
    return weighed.evidence.gathered + timedelta(seconds=weighed.plan.window_seconds)


def _words(served: Served) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in served.weights.items()) or "nothing"


def _asked(release: Release) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in release.weights().items()) or "nothing"
