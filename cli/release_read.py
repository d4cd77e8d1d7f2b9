"""Verbs of `stillhouse release` that only read: status, history."""

import typer

from cli.console import show, stdout
from cli.release_done import refuse_nowhere, show_release
from cli.releases import Place, reads
from serving.release_repository import history as read_history
from serving.release_repository import read_head
from serving.release_story import Chapter, Line, chapters, span


def register(app: typer.Typer) -> None:
    """Add the verbs to the app."""
    for verb in (status, history):
        app.command()(reads(verb))


def status(place: Place) -> None:
    """What the committed release file says, and what comes next.

    Example: `stillhouse release status --run runs/shop`
    """
    refuse_nowhere(place)
    show_release(read_head(place.path), place.as_json)


def history(place: Place) -> None:
    """What was done, trial by trial, from the beginning; --json has the newest first.

    Example: `stillhouse release history --run runs/shop`
    """
    refuse_nowhere(place)
    entries = read_history(place.path)

    def words() -> None:
        for chapter in chapters(entries):
            _tell(chapter)

    changes = [
        {
            "commit": entry.commit,
            "when": entry.when.isoformat(),
            "author": entry.author,
            "subject": entry.subject,
            "trailers": entry.trailers,
        }
        for entry in entries
    ]
    show({"changes": changes}, place.as_json, words)


def _tell(chapter: Chapter) -> None:
    stdout.print(f"\n[bold]{chapter.title}[/]", soft_wrap=True)
    for line in chapter.lines:
        when = f"{line.when:%Y-%m-%d %H:%M:%S}" if line.after is None else f"+ {span(line.after)}"
        stdout.print(f"  {when:<19}  {line.who:<12}  {_said(line)}", soft_wrap=True, markup=False)


def _said(line: Line) -> str:
    verdict = f"{line.verdict.upper()}: " if line.verdict else ""
    evidence = f" [evidence {line.evidence.removeprefix('sha256:')[:12]}]" if line.evidence else ""
    return f"{verdict}{line.what}{evidence}  {line.commit[:8]}"
