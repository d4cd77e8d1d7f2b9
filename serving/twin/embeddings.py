"""Puts a new table of embeddings beside a running version and swings the symlink that its model follows."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from model.artifact import read_artifact
from model.errors import UserError

EMBEDDINGS_KIND = "embeddings"
CUTOFF_GAUGE = "stillhouse_embedding_cutoff_seconds"
_LINK = "current"


@dataclass(frozen=True, kw_only=True, slots=True)
class Embeddings:
    """A checked artifact of embeddings."""

    path: Path
    digest: str
    base_digest: str
    """Of the deep model that made them; a version of another deep model must not read them."""
    cutoff_ns: int


def read_embeddings(path: Path) -> Embeddings:
    """Open and check the artifact.

    Raises:
        UserError: no such artifact, or changed files.
    """
    artifact = read_artifact(path, kind=EMBEDDINGS_KIND, verify=True)
    facts = json.loads((path / "embeddings.json").read_text())
    return Embeddings(
        path=path, digest=artifact.digest, base_digest=facts["base_digest"], cutoff_ns=int(facts["cutoff_ns"])
    )


def install_embeddings(embeddings: Embeddings, folder: Path) -> None:
    """Copy (or link) the table into `folder` and point `current` at it in one step.

    The table before stays until the next one comes: the model may still be opening it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / _LINK
    before = link.resolve().name if link.is_symlink() else ""
    target = folder / embeddings.digest.removeprefix("sha256:")
    if not target.exists():
        draft = folder / f".draft.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(embeddings.path, draft, copy_function=_link_or_copy)
        draft.rename(target)
    swing = folder / f".{_LINK}.{os.getpid()}"
    swing.unlink(missing_ok=True)
    swing.symlink_to(target.name)
    swing.replace(link)
    for old in folder.iterdir():
        if old.is_dir() and not old.is_symlink() and old.name not in (before, target.name):
            shutil.rmtree(old, ignore_errors=True)


def forget_foreign(folder: Path, base_digest: str) -> None:
    """Drop a table that an earlier twin left there for another deep model."""
    facts = folder / _LINK / "embeddings.json"
    if facts.exists() and json.loads(facts.read_text())["base_digest"] != base_digest:
        (folder / _LINK).unlink()


def no_match(embeddings: Embeddings, running: dict[str, str]) -> UserError:
    """The refusal, with the digests of both sides.

    Args:
        embeddings: what was to be installed.
        running: version -> digest of its deep model.
    """
    versions = ", ".join(f"{name} with {digest[:19]}" for name, digest in running.items())
    return UserError(
        f"`{embeddings.path}` belongs to the deep model {embeddings.base_digest[:19]}; "
        f"running are {versions or 'none'}",
        hint="embed with the deep model of a running version",
    )


def served_cutoffs(metrics: str) -> list[float]:
    """Seconds, one for each instance of the model, from Triton's metrics."""
    return [
        sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == CUTOFF_GAUGE
    ]


def serves(metrics: str, embeddings: Embeddings) -> bool:
    """Whether all instances use the table; the gauge holds float seconds, exact to a small part of one."""
    cutoffs = served_cutoffs(metrics)
    return bool(cutoffs) and all(abs(value - embeddings.cutoff_ns / 1e9) < 0.5 for value in cutoffs)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
