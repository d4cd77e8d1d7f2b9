"""Evidence between two commits: kept in git's own folder after each look, so that a killed conductor looks on.

If it is lost, the evidence of the trial's last commit is where looking goes on from, and the present step begins anew.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model.errors import UserError
from serving.git import locate
from serving.judge.evidence import Evidence, Version
from serving.judge.record import Record, parse_record, record_text
from serving.release import Release
from serving.release_repository import history, read_evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What was seen of the trial in one release file."""

    release_path: Path

    @property
    def folder(self) -> Path:
        """Of this release file, in git's own folder."""
        checkout, name = locate(self.release_path)
        return checkout.own_folder() / "conductor" / name.replace("/", ".")

    def store(self, record: Record) -> None:
        """Keep a look; a reader sees the one before it or this one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "look.draft"
        draft.write_text(record_text(record))
        draft.replace(self.folder / "look.json")

    def last(self) -> Record | None:
        """The look that was stored last, about whatever it is; None where there is none that can be read."""
        path = self.folder / "look.json"
        try:
            return parse_record(path.read_text(), place=str(path))
        except (OSError, UnicodeDecodeError, UserError):
            return None

    def committed(self, release: Release) -> Evidence | None:
        """The evidence of the trial's last commit that had any."""
        assert release.candidate is not None, "only a trial has evidence"
        for entry in history(self.release_path):
            digest = entry.trailers.get("Evidence")
            if entry.trailers.get("Candidate-Digest") != release.candidate.digest:
                return None
            if digest:
                try:
                    text = read_evidence(self.release_path, digest).text
                    return parse_record(text, place=f"evidence {digest[:19]}").evidence
                except UserError:
                    return None
        return None


def is_about(evidence: Evidence, release: Release) -> bool:
    """Whether it compares the versions that the file compares."""
    if release.candidate is None or release.stable is None:
        return False
    ours = (release.endpoint, release.stable.digest, release.candidate.digest)
    return ours == (evidence.endpoint, evidence.stable.digest, evidence.candidate.digest)


def continues(evidence: Evidence, release: Release) -> bool:
    """Whether it is of the file's present step: nobody has changed the weights since it began."""
    candidate = release.candidate
    if candidate is None or not is_about(evidence, release):
        return False
    if candidate.since is not None and evidence.step_start < candidate.since:
        return False
    mine = [window for window in evidence.windows if window.start >= evidence.step_start]
    asked = (candidate.weight, elsewhere(release))
    return all((window.asked_percent, window.elsewhere_percent) == asked for window in mine)


def elsewhere(release: Release) -> int:
    """Percent of the requests that neither of the two gets."""
    return release.previous.weight if release.previous else 0


def begun(before: Evidence | None, release: Release, now: datetime) -> Evidence:
    """Evidence for a step that begins now; windows of the trial's earlier steps stay in it.

    Args:
        before: what was seen of this trial, or of another one.
        release: the file, which the data plane serves.
        now: from here on the present weights are in force for sure.
    """
    assert release.stable is not None, "a trial has a stable version"
    assert release.candidate is not None, "a trial has a candidate"
    if before is not None and is_about(before, release):
        return before.model_copy(update={"step_start": now, "gathered": now})
    stable, candidate = release.stable, release.candidate
    # The gateway checked both for health before it took the routes over: by now they are ready, at the latest.
    return Evidence(
        endpoint=release.endpoint,
        stable=Version(version=stable.version, digest=stable.digest, ready=now),
        candidate=Version(version=candidate.version, digest=candidate.digest, ready=now),
        step_start=now,
        gathered=now,
    )
