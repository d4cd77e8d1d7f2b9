"""The one place that writes release files: read at HEAD, apply a verb, commit that file and its evidence alone.

A concurrent writer never gets overwritten, nothing else that is staged or edited slips in, and a verb that was killed
is finished by the next one.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model.errors import UserError
from serving.git import Checkout, locate
from serving.release import Release, parse_release, release_text
from serving.release_change import Change
from serving.release_evidence import EvidenceFile, checked, evidence_path
from serving.release_journal import finish, noted
from serving.release_message import commit_message, parse_trailers

Apply = Callable[[Release], Change]
_ATTEMPTS = 5
_FIELD, _RECORD = "\x1f", "\x1e"


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A verb that was done."""

    commit: str | None
    """Full hexadecimal id; None where the verb left the file as it was."""
    change: Change


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a verb would do."""

    change: Change
    diff: str
    """Of the file, as `diff -u` prints it; empty where it would stay as it is."""
    message: str
    """Of the commit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One commit that touched the release file."""

    commit: str
    when: datetime
    author: str
    subject: str
    trailers: dict[str, str]
    """As `release_message.trailers` wrote them; empty for an edit by hand."""


def commit_change(path: Path, apply: Apply) -> Commit:
    """Apply a verb to the release file at HEAD and commit the outcome.

    Args:
        path: the file; one that is not in HEAD yet counts as an empty release named after it.
        apply: `Release -> Change`; it is called once, and its outcome stands on whatever else HEAD gains meanwhile.

    Raises:
        UserError: no git checkout, uncommitted edits, the file changed meanwhile, or the verb refuses.
    """
    checkout, name = locate(path)
    finish(checkout)
    checkout.refuse_dirty(name)
    head, blob = checkout.head(), checkout.blob(name)
    before = checkout.text(blob) if blob else ""
    release = _parse(before, path)
    change = apply(release)
    if change.release == release and change.evidence is None:
        return Commit(commit=None, change=change)
    files = _files(checkout, name, change, before)
    for _ in range(_ATTEMPTS):
        commit = checkout.commit(head, files, commit_message(change))
        with noted(checkout, {each: (checkout.id_of_file(each), new) for each, new in files.items()}):
            if checkout.swap_head(head, commit, f"release: {change.verb} {change.release.endpoint}"):
                for each, new in files.items():
                    checkout.write(each, checkout.text(new))
                checkout.put_in_index(files)
                return Commit(commit=commit, change=change)
        head = checkout.head()
        if checkout.blob(name) != blob:
            break
    raise UserError(f"`{path}` changed in HEAD while this verb ran", hint="look at `history`, then run the verb again")


def preview_change(path: Path, apply: Apply) -> Preview:
    """What `commit_change` would do, without doing it.

    Raises:
        UserError: as `commit_change`.
    """
    checkout, name = locate(path)
    checkout.refuse_dirty(name)
    blob = checkout.blob(name)
    before = checkout.text(blob) if blob else ""
    release = _parse(before, path)
    change = apply(release)
    after = before if change.release == release else release_text(change.release, before=before)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return Preview(change=change, diff="".join(lines), message=commit_message(change))


def recover(path: Path) -> list[str]:
    """Finish what a killed verb committed but did not write; the names of those files."""
    checkout, _ = locate(path)
    return finish(checkout)


def read_head(path: Path) -> Release:
    """The release as committed, whatever the working tree holds."""
    checkout, name = locate(path)
    blob = checkout.blob(name)
    return _parse(checkout.text(blob) if blob else "", path)


def read_evidence(path: Path, digest: str) -> EvidenceFile:
    """Evidence that was committed beside a release file.

    Raises:
        UserError: it is not there, or was changed since.
    """
    checkout, name = locate(evidence_path(path, digest))
    blob = checkout.blob(name)
    if not blob:
        raise UserError(
            f"`{name}`: evidence is not in HEAD (got {digest[:19]})",
            hint="commit it, or `git log --all -- " + name + "` shows where it went",
        )
    return checked(checkout.text(blob), digest=digest, place=name)


def history(path: Path, *, limit: int = 50) -> list[HistoryEntry]:
    """Commits of the file, newest first."""
    checkout, name = locate(path)
    if not checkout.head():
        return []
    form = _FIELD.join(("%H", "%aI", "%an", "%s", "%(trailers:only,unfold)")) + _RECORD
    log = checkout.run("log", f"--max-count={limit}", f"--format={form}", "--", name)
    return [_entry(record.strip("\n")) for record in log.split(_RECORD) if record.strip("\n")]


def _entry(record: str) -> HistoryEntry:
    commit, when, author, subject, block = record.split(_FIELD)
    return HistoryEntry(
        commit=commit,
        when=datetime.fromisoformat(when),
        author=author,
        subject=subject,
        trailers=parse_trailers(block),
    )


def _parse(text: str, path: Path) -> Release:
    return parse_release(text or f"schema: stillhouse.release/v1\nendpoint: {path.stem}\n", place=str(path))


def _files(checkout: Checkout, name: str, change: Change, before: str) -> dict[str, str]:
    """Name -> id of the contents, evidence first: whoever reads the file finds it."""
    files: dict[str, str] = {}
    if change.evidence is not None:
        where = evidence_path(Path(name), change.evidence.digest).as_posix()
        files[where] = checkout.store(change.evidence.text)
    files[name] = checkout.store(release_text(change.release, before=before))
    return files
