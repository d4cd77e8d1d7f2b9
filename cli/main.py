"""`stillhouse`: one verb for each step of the line. `stillhouse VERB --help` shows an example of each."""

import atexit
import sys

import typer

from cli import data, evaluate, line, plan, release, release_run, serve, simulate, twin
from cli.console import fail, silence_the_end
from model.errors import UserError

app = typer.Typer(
    name="stillhouse",
    help="Turn a company's tables into a live prediction endpoint.\n\n"
    "The line: generate -> check -> query -> train -> embed -> distill -> export -> twin, release, predict, load.\n\n"
    "`stillhouse demo` runs all of it. Every verb takes --json, and reads and writes folders below --run.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
data.register(app)
line.register(app)
evaluate.register(app)
serve.register(app)
plan.register(app)
app.add_typer(twin.app, name="twin")
simulate.register(release.app)
release_run.register(release.app)
app.add_typer(release.app, name="release")


def main() -> None:
    """Run a verb; a user's mistake ends with status 1 and a hint, an interrupt with typer's 130."""
    try:
        app()
    except UserError as error:
        fail(error)
        sys.exit(1)
    finally:
        atexit.register(silence_the_end)
