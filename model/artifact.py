"""Write-once folders: every step of the line reads some and writes one, with a manifest of what it came from.

with write_artifact(path, kind="deep", parents={"graph": graph.digest}, settings={...}) as draft:
    (draft.path / "weights.safetensors").write_bytes(...)
    draft.metrics["auroc"] = 0.71
"""

import ctypes
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from model.errors import UserError

MANIFEST = "manifest.json"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A finished folder and what its manifest says."""

    path: Path
    kind: str
    """Which step wrote it, e.g. `graph`, `training_table`, `deep`, `embeddings`, `triton_repository`."""
    digest: str
    """`sha256:` over the names and contents of the files, the manifest left out."""
    parents: Mapping[str, str]
    """Role -> digest of the artifacts that this one was made from."""
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]


@dataclass(kw_only=True, slots=True)
class Draft:
    """A folder being written; it becomes an artifact when the `with` block ends without an error."""

    path: Path
    metrics: dict[str, Any] = field(default_factory=dict)


@contextmanager
def write_artifact(
    path: Path, *, kind: str, parents: Mapping[str, str] | None = None, settings: Mapping[str, Any] | None = None
) -> Iterator[Draft]:
    """Yield a draft folder and put it at `path` in one step when the block succeeds.

    An interrupted block leaves what stood at `path` before. Files are flushed to the disk before the exchange.

    Raises:
        UserError: `path` holds something that is no artifact of this kind, or cannot be written.
    """
    _refuse_foreign(path, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft_path = Path(mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    draft_path.chmod(0o755)
    draft = Draft(path=draft_path)
    try:
        yield draft
        manifest = {
            "kind": kind,
            "digest": digest_folder(draft_path),
            "parents": dict(parents or {}),
            "settings": dict(settings or {}),
            "metrics": draft.metrics,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (draft_path / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True, default=str) + "\n")
        _flush(draft_path)
        _put_in_place(draft_path, path)
    except OSError as error:
        raise UserError(
            f"cannot write `{path}`: {error.strerror or error}", hint="free some space or name another folder"
        ) from error
    finally:
        shutil.rmtree(draft_path, ignore_errors=True)


def read_artifact(path: Path, *, kind: str, verify: bool = False) -> Artifact:
    """Open the artifact at `path`.

    Args:
        path: the folder.
        kind: what it must be.
        verify: recompute the digest and refuse a folder whose files have changed since.

    Raises:
        UserError: no artifact there, another kind, or changed files.
    """
    manifest_path = path / MANIFEST
    try:
        manifest = json.loads(manifest_path.read_text())
        artifact = Artifact(path=path, **{name: manifest[name] for name in _FIELDS})
    except OSError as error:
        raise UserError(f"no {kind} artifact at `{path}`", hint=f"run the step that writes `{kind}` first") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"`{manifest_path}` is not a manifest: {error}", hint="run the step again") from error
    if artifact.kind != kind:
        raise UserError(f"`{path}` holds a `{artifact.kind}` artifact; expected `{kind}`")
    if verify and (actual := digest_folder(path)) != artifact.digest:
        raise UserError(
            f"the files of `{path}` have changed since they were written: "
            f"the manifest says {artifact.digest[:19]} (found {actual[:19]})",
            hint="run the step again; artifacts are written once",
        )
    return artifact


_FIELDS = ("kind", "digest", "parents", "settings", "metrics")


def digest_folder(path: Path) -> str:
    """`sha256:<hex>` over relative names and contents of all files below `path` but the manifest."""
    total = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file() and file != path / MANIFEST and "__pycache__" not in file.parts:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{file.relative_to(path).as_posix()}\0{content}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _refuse_foreign(path: Path, kind: str) -> None:
    """Never replace a folder that we did not write."""
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()
    if not path.exists():
        return
    try:
        found = json.loads((path / MANIFEST).read_text())["kind"]
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        found = "something else"
    if found != kind:
        raise UserError(f"`{path}` holds {found}, not a `{kind}` artifact", hint="name another folder")


def _flush(path: Path) -> None:
    for file in path.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())


def _put_in_place(draft: Path, path: Path) -> None:
    """Rename, or exchange with what stands there (renameat2), so that a reader sees the old or the new folder."""
    if not path.exists():
        draft.rename(path)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(draft), _AT_FDCWD, os.fsencode(path), _RENAME_EXCHANGE) != 0:
        old = draft.with_name(f"{draft.name}.old")
        path.rename(old)
        draft.rename(path)
        shutil.rmtree(old, ignore_errors=True)
