"""What the scanner is told to let pass, each with its reason: `allowed.yaml` <-> `Allowed`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import UserError
from stacks.scan.checkov import Failure

ALLOWED: Final = Path(__file__).parent / "allowed.yaml"


class Allowed(BaseModel):
    """One check that some objects may fail."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    check: str = Field(pattern=r"^CKV2?_[A-Z0-9]+_[0-9]+$")
    resource: str = Field(min_length=3)
    """`Kind.namespace.name` with * for any part of it."""
    reason: str = Field(min_length=20)

    def covers(self, failure: Failure) -> bool:
        """Whether it lets this one pass."""
        return self.check == failure.check and fnmatchcase(failure.resource, self.resource)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sifted:
    """Failures by whether a reason is written for them."""

    refused: tuple[Failure, ...]
    unused: tuple[Allowed, ...]
    """Entries that cover nothing, and so hide what may come."""


def read_allowed(path: Path = ALLOWED) -> tuple[Allowed, ...]:
    """The entries.

    Raises:
        UserError: not of this form; names the entry and the field.
    """
    try:
        return tuple(Allowed.model_validate(entry) for entry in yaml.safe_load(path.read_text()) or ())
    except (ValidationError, yaml.YAMLError) as error:
        raise UserError(f"`{path.name}`: {error}", hint="an entry has `check`, `resource` and `reason`") from error


def sift(failures: Sequence[Failure], allowed: Sequence[Allowed]) -> Sifted:
    """What no entry covers, and entries that cover nothing."""
    return Sifted(
        refused=tuple(failure for failure in failures if not any(entry.covers(failure) for entry in allowed)),
        unused=tuple(entry for entry in allowed if not any(entry.covers(failure) for failure in failures)),
    )
