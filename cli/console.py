"""How verbs speak: results on stdout (`--json` for machines), progress and errors on stderr."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from model.artifact import Artifact
from model.errors import UserError
from model.progress import Progress

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


@contextmanager
def bar(title: str) -> Iterator[Progress]:
    """A progress bar on stderr; a plain line at the end where stderr is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as display:
        task = display.add_task(title, total=None)

        def advance(done: int, total: int) -> None:
            display.update(task, completed=done, total=total)

        begin = time.monotonic()
        yield advance
        if not stderr.is_terminal and (seconds := time.monotonic() - begin) > 2:
            stderr.print(f"{title}: {seconds:.0f} s")


def show(document: BaseModel | dict[str, Any], as_json: bool, words: Callable[[], None]) -> None:
    """Print the document as JSON, or call `words` to print it for people."""
    if not as_json:
        words()
        return
    plain = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
    sys.stdout.write(json.dumps(plain, indent=2, default=str) + "\n")


def table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print rows under a title; numbers are right-aligned, and no rows are said to be none."""
    if not rows:
        stdout.print(f"\n[bold]{title}[/] none")
        return
    if title:
        stdout.print(f"\n[bold]{title}[/]", soft_wrap=True)
    view = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for position, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        view.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        view.add_row(
            *(f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell) for cell in row)
        )
    stdout.print(view)


def show_artifact(artifact: Artifact, as_json: bool) -> None:
    """Where the artifact lies, and what it measured."""
    document = {"path": str(artifact.path), "digest": artifact.digest, "metrics": dict(artifact.metrics)}

    def words() -> None:
        stdout.print(f"[bold]{artifact.path}[/]  {artifact.digest[:19]}")
        rows = [
            (name, f"{value:,.4g}" if isinstance(value, float) else value) for name, value in artifact.metrics.items()
        ]
        if rows:
            table("", ("metric", "value"), rows)

    show(document, as_json, words)


def fail(error: UserError) -> None:
    """Print a user's mistake in our form: `error:`, a blank line, `hint:`."""
    message = str(error)
    stderr.print(f"[bold red]error:[/] {_escape(message)}", soft_wrap=True)


def silence_the_end() -> None:
    """Send what is written to stderr from here on nowhere; call it when all has been said.

    duckdb's binding library reports objects that are alive at the very end of the process, which torch makes happen;
    it can be told neither to stop nor what is none of the user's business.
    """
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
