"""The one place that writes release files: read at HEAD, apply a verb, commit that file alone.

The commit is made by plumbing with compare-and-swap on HEAD, so a concurrent writer never gets overwritten and
nothing else that is staged or edited slips in.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from model.errors import UserError
from serving.release import Release, parse_release, release_text
from serving.release_change import Change

Apply = Callable[[Release], Change]
_ATTEMPTS = 5
_FIELD, _RECORD = "\x1f", "\x1e"
_TRAILERS = ("Verb", "Stable", "Candidate", "Digest", "Weight")


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A change that stands in the history."""

    commit: str
    """Full hexadecimal id."""
    change: Change


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One commit that touched the release file, newest first in `history`."""

    commit: str
    when: datetime
    author: str
    subject: str
    trailers: Mapping[str, str]
    """Verb, Stable, Candidate, Digest, Weight; empty for an edit by hand."""


def commit_change(path: Path, apply: Apply) -> Commit:
    """Apply a verb to the release file at HEAD and commit the outcome.

    Args:
        path: the file; one that is not in HEAD yet counts as an empty release named after it.
        apply: `Release -> Change`; called again when HEAD moved without touching the file.

    Raises:
        UserError: no git checkout, uncommitted edits, the file changed meanwhile, or the verb refuses.
    """
    root, name = _locate(path)
    _refuse_dirty(root, name)
    head, blob = _head(root), _blob(root, name)
    change = apply(_release_at(root, blob, path))
    for _ in range(_ATTEMPTS):
        new_blob = _git(root, "hash-object", "-w", "--stdin", stdin=release_text(change.release)).strip()
        commit = _write_commit(root, head, name, new_blob, commit_message(change))
        if _swap_head(root, head, commit, change):
            _write_file(path, release_text(change.release))
            _git(root, "update-index", "--add", "--cacheinfo", f"100644,{new_blob},{name}")
            return Commit(commit=commit, change=change)
        head = _head(root)
        if _blob(root, name) != blob:
            break
    raise UserError(f"`{path}` changed in HEAD while this verb ran", hint="look at `history`, then run the verb again")


def read_head(path: Path) -> Release:
    """The release as committed, whatever the working tree holds."""
    root, name = _locate(path)
    return _release_at(root, _blob(root, name), path)


def history(path: Path, *, limit: int = 50) -> list[HistoryEntry]:
    """Commits of the file, newest first."""
    root, name = _locate(path)
    if not _head(root):
        return []
    trailers = _FIELD.join(f"%(trailers:key={key},valueonly,separator=%x2C)" for key in _TRAILERS)
    form = _FIELD.join(("%H", "%aI", "%an", "%s", trailers)) + _RECORD
    log = _git(root, "log", f"--max-count={limit}", f"--format={form}", "--", name)
    return [_entry(record.strip("\n")) for record in log.split(_RECORD) if record.strip("\n")]


def commit_message(change: Change) -> str:
    """Subject `release(<endpoint>): <reason>` and the state after it as trailers."""
    release = change.release
    trailers = {"Verb": change.verb, "Stable": "none", "Candidate": "none"}
    if release.stable:
        trailers |= {"Stable": release.stable.version, "Digest": release.stable.digest}
    if release.candidate:
        trailers |= {
            "Candidate": release.candidate.version,
            "Digest": release.candidate.digest,
            "Weight": str(release.candidate.weight),
        }
    lines = "\n".join(f"{key}: {value}" for key, value in trailers.items())
    subject = " ".join(change.reason.split())
    return f"release({release.endpoint}): {subject}\n\n{lines}\n"


def _entry(record: str) -> HistoryEntry:
    commit, when, author, subject, *values = record.split(_FIELD)
    trailers = {key: value for key, value in zip(_TRAILERS, values, strict=True) if value}
    return HistoryEntry(
        commit=commit, when=datetime.fromisoformat(when), author=author, subject=subject, trailers=trailers
    )


def _locate(path: Path) -> tuple[Path, str]:
    """Checkout root, and the file's name below it."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    except UserError as error:
        raise UserError(f"`{path}` is in no git checkout", hint="run `git init`, or name another file") from error
    return root, (folder.resolve() / path.absolute().relative_to(folder)).relative_to(root.resolve()).as_posix()


def _refuse_dirty(root: Path, name: str) -> None:
    state = _git(root, "status", "--porcelain", "--untracked-files=all", "--", name).rstrip()
    if state:
        raise UserError(
            f"`{name}` has edits that are not committed (git says `{state}`)",
            hint=f"commit them, or drop them with `git checkout HEAD -- {name}`",
        )


def _head(root: Path) -> str:
    """Id of HEAD; empty before the first commit."""
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True).strip()


def _blob(root: Path, name: str) -> str:
    """Id of the file's contents at HEAD; empty where it is not there."""
    return _git(root, "rev-parse", "--verify", "--quiet", f"HEAD:{name}", may_fail=True).strip()


def _release_at(root: Path, blob: str, path: Path) -> Release:
    if not blob:
        return parse_release(f"schema: stillhouse.release/v1\nendpoint: {path.stem}\n", place=str(path))
    return parse_release(_git(root, "cat-file", "blob", blob), place=str(path))


def _write_commit(root: Path, head: str, name: str, blob: str, message: str) -> str:
    """Make the commit object from HEAD's tree and this one file, past the user's own index."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if head:
            _git(root, "read-tree", head, env=index)
        _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", env=index)
        tree = _git(root, "write-tree", env=index).strip()
    signed = _git(root, "config", "--type=bool", "commit.gpgSign", may_fail=True).strip() == "true"
    parent = ("-p", head) if head else ()
    options = (*parent, *(("-S",) if signed else ()))
    return _git(root, "commit-tree", tree, *options, stdin=message, env=_author(root)).strip()


def _swap_head(root: Path, head: str, commit: str, change: Change) -> bool:
    """Move HEAD from `head` to `commit`; false when someone else moved it first."""
    before = head or "0" * len(commit)
    note = f"release: {change.verb} {change.release.endpoint}"
    try:
        _git(root, "update-ref", "-m", note, "HEAD", commit, before, env=_author(root))
    except UserError:
        if _head(root) == head:
            raise
        return False
    return True


def _write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def _author(root: Path) -> dict[str, str]:
    """Who commits where git was not told: never a guess from the machine's name."""
    if _git(root, "config", "user.email", may_fail=True).strip():
        return {}
    people = ("AUTHOR", "COMMITTER")
    names = {f"GIT_{role}_NAME": os.environ.get(f"GIT_{role}_NAME", "stillhouse") for role in people}
    return names | {f"GIT_{role}_EMAIL": os.environ.get(f"GIT_{role}_EMAIL", "stillhouse@localhost") for role in people}


def _git(
    root: Path, *arguments: str, stdin: str | None = None, env: Mapping[str, str] | None = None, may_fail: bool = False
) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    if done.returncode != 0 and not may_fail:
        raise UserError(f"git {arguments[0]} failed in `{root}`: {done.stderr.strip()}")
    return done.stdout
