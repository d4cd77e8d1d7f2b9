"""Evidence files: `evidence/<digest>.json` beside the release file, named by their content and never changed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model.errors import UserError
from serving.judge.evidence import Evidence
from serving.judge.plan import Plan, Step
from serving.judge.verdict import Judgement

FOLDER = "evidence"


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceFile:
    """A JSON document as it was written, and the name that its content gives it."""

    text: str

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the text."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """Evidence with what a judge made of it, and the file that holds both."""

    evidence: Evidence
    plan: Plan
    """By which it was judged."""
    step: Step
    judgement: Judgement
    file: EvidenceFile


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelVerdict:
    """What labels say of a provisional promotion."""

    confirmation: Literal["confirm", "revert", "not_mature", "error"]
    reason: str
    looked: bool
    """Whether the two versions were compared at all, which is counted."""
    file: EvidenceFile


def evidence_path(release_path: Path, digest: str) -> Path:
    """Where the evidence of this digest lies, for this release file."""
    return release_path.parent / FOLDER / f"{digest.removeprefix('sha256:')}.json"


def checked(text: str, *, digest: str, place: str) -> EvidenceFile:
    """The file, if its content is what its name says.

    Raises:
        UserError: it was changed.
    """
    file = EvidenceFile(text=text)
    if file.digest != digest:
        raise UserError(
            f"`{place}`: evidence was changed: its content is {file.digest[:19]} (its name says {digest[:19]})",
            hint="`git log -p` shows who did; evidence is written once",
        )
    return file
