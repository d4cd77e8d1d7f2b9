"""Evidence files: `evidence/<digest>.json` beside the release file, named by their content and never changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from model.errors import UserError

FOLDER = "evidence"


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceFile:
    """A JSON document, and the name that its content gives it."""

    text: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The one way to write a document down: equal documents have equal names."""
        return cls(text=json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the text."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"

    @property
    def document(self) -> Any:  # noqa: ANN401 -- what its schema says
        """What it holds."""
        return json.loads(self.text)


def evidence_path(release_path: Path, digest: str) -> Path:
    """Where the evidence of this digest lies, for this release file."""
    return release_path.parent / FOLDER / f"{digest.removeprefix('sha256:')}.json"


def checked(text: str, *, digest: str, place: str) -> EvidenceFile:
    """The file, if its content is what its name says.

    Raises:
        UserError: it was changed, or is not JSON.
    """
    file = EvidenceFile(text=text)
    if file.digest != digest:
        raise UserError(
            f"`{place}`: evidence was changed: its content is {file.digest[:19]} (its name says {digest[:19]})",
            hint="`git log -p` shows who did; evidence is written once",
        )
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"`{place}`: not JSON: {error}", hint="name a file that the judge wrote") from error
    return file
