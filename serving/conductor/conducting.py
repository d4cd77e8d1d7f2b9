"""The one place where conducting has effects: read, decide, and do one thing; again until there is nothing left to do.

All that it knows is in the file, its commits and the stored looks: it may be killed at any moment and started again.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from model.errors import UserError
from serving.conductor.action import Action, End, Follow, Look, Outcome, Wait, Write
from serving.conductor.deciding import next_action, on_evidence
from serving.conductor.lock import conducting
from serving.conductor.plane import Plane, Served
from serving.conductor.progress import Progress, begun, continues, elsewhere
from serving.git import locate
from serving.judge.evidence import Evidence
from serving.judge.record import judged
from serving.prometheus import Prometheus
from serving.release import Release
from serving.release_change import Change
from serving.release_evidence import Weighed
from serving.release_repository import commit_change, history, read_head, recover
from serving.release_story import Chapter, chapters
from serving.release_weigh import weigh
from serving.signals.gather import gather

Until = Literal["decided", "step", "told"]
_ASK_AGAIN = timedelta(seconds=5)
"""After a data plane did not take a file over."""
_ASK_AGAIN_SOON = timedelta(seconds=1)
"""Where nothing is on trial any more: it may be a rollback."""
_ANSWER_WITHIN_S = 5.0
_MOST_SKEW_S = 2.0
"""Between this clock and Prometheus's: more, and a step would be judged by what was counted before it or after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What one pass saw and did."""

    when: datetime
    release: Release | None
    """None where the committed file could not be read."""
    served: Served
    weighed: Weighed | None
    """The last look at the present step."""
    action: Action
    commit: str | None = None
    """That it made."""


@dataclass(kw_only=True, slots=True)
class Conductor:
    """Conducts one release file."""

    path: Path
    plane: Plane
    stay: bool = False
    """Whether to go on looking while somebody holds the release."""
    poll_s: float = 0.5
    """How often the file is read again while nothing is due."""
    idle_s: float = 5.0
    """From one look at the file to the next while nothing is on trial, where it goes on then."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """This machine's."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set it to stop after the present pass."""
    _followed: str = ""
    """Revision that the data plane took over last."""
    _refused: tuple[str, datetime, str] | None = None
    """(revision, when, why) of the last time that it did not."""

    def run(self, until: Until = "decided", *, on_pass: Callable[[Pass], None] = lambda done: None) -> Pass:
        """Pass after pass until there is nothing left to do; the last one.

        Args:
            until: `decided` is promoted, rolled back or held; `step` is one change that is in force; `told` is when
                `stopping` is set: what ends one trial is then waited out until the next.
            on_pass: told of each.

        Raises:
            UserError: another conductor is at work on the file, or there is nothing that could be conducted.
        """
        if until != "told":
            refuse_planless(self.path)
        written = False
        with conducting(Progress(release_path=self.path).folder):
            while True:
                done = self.once()
                if until == "step" and written and not isinstance(done.action, Write | Follow | End):
                    done = replace(done, action=End(outcome=Outcome.STEPPED, reason="the change is in force"))
                on_pass(done)
                written |= isinstance(done.action, Write) and done.commit is not None
                if (isinstance(done.action, End) and until != "told") or self.stopping.is_set():
                    return done
                if isinstance(done.action, End):
                    self.stopping.wait(self.idle_s)
                if isinstance(done.action, Wait):
                    self.stopping.wait(_pause_s(done.action, self.clock(), self.poll_s))

    def once(self) -> Pass:
        """Do one thing."""
        now, weighed = self.clock(), None
        try:
            recover(self.path)
            self.plane.sync()
        except UserError as error:
            nothing = Served(weights={}, complaint=str(error))
            return Pass(when=now, release=None, served=nothing, weighed=None, action=Wait(reason=str(error)))
        served = replace(self.plane.served(), revision=self._followed)
        try:
            release, revision = self._head()
        except UserError as error:
            return Pass(when=now, release=None, served=served, weighed=None, action=Wait(reason=str(error)))
        commit = None
        try:
            weighed = self._weighed(release)
            refused = self._why_refused(release, revision, now)
            action = next_action(release, revision, served, weighed, now, refused=refused, stay=self.stay)
            if isinstance(action, Look):
                weighed = self._look(release, revision, served)
                action = on_evidence(release, served, weighed, weighed.evidence.gathered)
            match action:
                case Write(change=change):
                    commit = self._write(release, change)
                case Follow():
                    self._follow(revision)
                case End(outcome=Outcome.IDLE):
                    action = self._ended(release)
                case _:
                    pass
        except UserError as error:
            action = Wait(reason=str(error))
        return Pass(when=now, release=release, served=served, weighed=weighed, action=action, commit=commit)

    def _head(self) -> tuple[Release, str]:
        checkout, name = locate(self.path)
        return read_head(self.path), checkout.blob(name)

    def _weighed(self, release: Release) -> Weighed | None:
        record = Progress(release_path=self.path).last()
        return weigh(record) if record is not None and continues(record.evidence, release) else None

    def _look(self, release: Release, revision: str, served: Served) -> Weighed:
        """Gather and judge; what was seen while the file changed belongs to no step, and is dropped."""
        step, plan, candidate = release.step(), release.plan, release.candidate
        assert step is not None, "without a plan there is nothing to look for"
        assert plan is not None, "a step is a plan's"
        assert candidate is not None, "a step is a candidate's"
        progress = Progress(release_path=self.path)
        evidence = self._evidence(progress, release, served)
        if self._head()[1] != revision:
            raise UserError("the file changed while evidence was gathered: it is read again")
        record = judged(evidence, plan, step)
        progress.store(record)
        return weigh(record)

    def _evidence(self, progress: Progress, release: Release, served: Served) -> Evidence:
        record, now = progress.last(), self.clock()
        if record is None or not continues(record.evidence, release):
            before = record.evidence if record else progress.committed(release)
            return begun(before, release, now)
        assert release.plan is not None, "without a plan there is nothing to look for"
        assert release.candidate is not None, "a step is a candidate's"
        return gather(
            Prometheus(url=served.prometheus_url, timeout_s=_ANSWER_WITHIN_S),
            self.plane.target(release),
            record.evidence,
            asked_percent=release.candidate.weight,
            elsewhere_percent=elsewhere(release),
            warm_up_s=release.plan.warm_up_seconds,
            pairs=release.plan.compares,
            most_skew_s=_MOST_SKEW_S,
            now=now,
        ).evidence

    def _write(self, judged_by: Release, change: Change) -> str | None:
        def apply(head: Release) -> Change:
            if head != judged_by:
                raise UserError("the file changed while it was decided about: it is read again")
            return change

        return commit_change(self.path, apply).commit

    def _follow(self, revision: str) -> None:
        checkout, name = locate(self.path)
        if checkout.id_of_file(name) != revision:
            raise UserError(
                f"`{name}` has edits that are not committed: the data plane stays as it is",
                hint=f"commit them, or drop them with `git checkout HEAD -- {name}`",
            )
        try:
            self.plane.follow()
        except UserError as error:
            self._refused = (revision, self.clock(), str(error))
            raise
        self._followed, self._refused = revision, None

    def _why_refused(self, release: Release, revision: str, now: datetime) -> str:
        """Empty when it is time to ask again, or another file is to be taken over."""
        if self._refused is None:
            return ""
        asked, when, why = self._refused
        pause = _ASK_AGAIN if release.candidate else _ASK_AGAIN_SOON
        return why if asked == revision and now < when + pause else ""

    def _ended(self, release: Release) -> End:
        told = [chapter for chapter in chapters(history(self.path)) if chapter.version]
        return ending(release, told[-1]) if told else End(outcome=Outcome.IDLE, reason="nothing was ever on trial")


def ending(release: Release, trial: Chapter) -> End:
    """How the last trial in the history ended, by what the file says now."""
    known = release.versions.get(trial.version)
    if known is not None and release.is_rejected(known.digest):
        return End(outcome=Outcome.ROLLED_BACK, reason=f"{trial.version}: {trial.lines[-1].what}")
    if release.stable is not None and release.stable.version == trial.version:
        return End(outcome=Outcome.PROMOTED, reason=f"{trial.version}: {trial.lines[-1].what}")
    return End(outcome=Outcome.IDLE, reason=f"{trial.version} is on trial no more: {trial.lines[-1].what}")


def refuse_planless(path: Path) -> None:
    """Refuse a candidate for which nobody wrote down what is good enough.

    Raises:
        UserError: there is no plan; a person has to move it.
    """
    release = read_head(path)
    if release.candidate is not None and release.plan is None:
        raise UserError(
            f"{release.endpoint}: plan: nothing says how {release.candidate.version} is to be judged (got null)",
            hint="write `plan` and `expected_rate_per_second` into the file, or `ramp` and `promote` by hand",
        )


def _pause_s(wait: Wait, now: datetime, poll_s: float) -> float:
    if wait.until is None:
        return poll_s
    return min(max((wait.until - now).total_seconds(), 0.0), poll_s)
