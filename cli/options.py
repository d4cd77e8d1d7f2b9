"""Options that several verbs share."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from model.errors import UserError

RunPath = Annotated[Path, typer.Option("--run", help="Folder of the run: inputs are found there, outputs go there.")]
DEFAULT_RUN = Path("runs/default")
NAME_PATTERN = r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?"
"""Of versions and endpoints, as release files take them."""


def parse_time(text: str) -> int:
    """`2024-11-30` or `2024-11-30T12:00` (UTC unless it names an offset) -> nanoseconds since the Unix epoch.

    Raises:
        UserError: no such time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"not a time (got `{text}`)", hint="write 2024-11-30 or 2024-11-30T12:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * 10**9


def parse_times(text: str | None) -> tuple[int, ...] | None:
    """A comma-separated list of times; None stays None."""
    return None if text is None else tuple(parse_time(part.strip()) for part in text.split(","))


def show_time(time_ns: int) -> str:
    """Nanoseconds -> `2024-11-30 12:00`."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def check_version_name(name: str) -> None:
    """Refuse a version that no release file would take.

    Raises:
        UserError: saying what a name may be.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise UserError(f"not a version's name (got `{name}`)", hint="small letters, digits and inner hyphens, e.g. v2")


def read_query(text_or_file: str) -> str:
    """The text of a query: a `.pql` file's content, or the argument itself.

    Raises:
        UserError: a file that is not there.
    """
    if re.fullmatch(r"\S+\.pql", text_or_file):
        try:
            return Path(text_or_file).read_text()
        except OSError as error:
            raise UserError(f"cannot read the query file `{text_or_file}`: {error.strerror}") from error
    return text_or_file
