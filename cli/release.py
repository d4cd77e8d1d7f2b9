"""`stillhouse release register | canary | ramp | promote | rollback | status | history`: one verb, one commit."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.console import bar, show, stdout, table
from cli.releases import Place, at_a_place, make_repository
from model.artifact import read_artifact
from model.errors import UserError
from serving.release import Release
from serving.release_change import Change
from serving.release_repository import commit_change, read_head
from serving.release_repository import history as read_history
from serving.release_verbs import canary as canary_verb
from serving.release_verbs import promote as promote_verb
from serving.release_verbs import ramp as ramp_verb
from serving.release_verbs import register as register_verb
from serving.release_verbs import rollback as rollback_verb
from serving.twin.paths import TwinPaths
from serving.twin.run import twin_reconcile
from serving.twin.state import is_supervised

app = typer.Typer(help="Move versions by commits to the release file; the twin follows.", no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="Name of a version, e.g. v2.")]
Weight = Annotated[int, typer.Option(help="Percent of the traffic, 1 to 99.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the file and in the commit.")]


@app.command()
@at_a_place
def register(place: Place, version: Version) -> None:
    """Make an exported version known, by name and digest; it takes no traffic yet.

    Example: `stillhouse release register v1 --run runs/shop`
    """
    artifact = read_artifact(place.folder.repository(version), kind="triton_repository", verify=True)
    uri = f"repositories/{version}"

    def apply(release: Release) -> Change:
        now = datetime.now(UTC)
        return register_verb(release, version=version, digest=artifact.digest, uri=uri, registered=now)

    _change(place, apply)


@app.command()
@at_a_place
def canary(place: Place, version: Version, weight: Weight = 10) -> None:
    """Give a registered version its first share of the traffic.

    Example: `stillhouse release canary v2 --weight 10 --run runs/shop`
    """
    _change(place, lambda release: canary_verb(release, version=version, weight=weight))


@app.command()
@at_a_place
def ramp(place: Place, weight: Weight) -> None:
    """Change the candidate's share.

    Example: `stillhouse release ramp --weight 50 --run runs/shop`
    """
    _change(place, lambda release: ramp_verb(release, weight=weight))


@app.command()
@at_a_place
def promote(place: Place, version: Version) -> None:
    """Make the candidate stable (or, where nothing is stable yet, a registered version).

    Example: `stillhouse release promote v2 --run runs/shop`
    """
    _change(place, lambda release: promote_verb(release, version=version))


@app.command()
@at_a_place
def rollback(place: Place, reason: Reason = "by hand") -> None:
    """Take the candidate off all traffic at once; its digest never serves again.

    Example: `stillhouse release rollback --reason "5 % errors" --run runs/shop`
    """
    _change(place, lambda release: rollback_verb(release, reason=reason))


@app.command()
@at_a_place
def status(place: Place) -> None:
    """What the committed release file says.

    Example: `stillhouse release status --run runs/shop`
    """
    _refuse_nowhere(place)
    _show(read_head(place.path), place.as_json)


@app.command()
@at_a_place
def history(place: Place) -> None:
    """Every change of the release file, newest first.

    Example: `stillhouse release history --run runs/shop`
    """
    _refuse_nowhere(place)
    entries = read_history(place.path)

    def words() -> None:
        rows = [(f"{entry.when:%Y-%m-%d %H:%M:%S}", entry.commit[:8], entry.author, entry.subject) for entry in entries]
        table("", ("when", "commit", "who", "what"), rows)

    changes = [
        {"commit": entry.commit, "when": entry.when.isoformat(), "author": entry.author, "subject": entry.subject}
        for entry in entries
    ]
    show({"changes": changes}, place.as_json, words)


def _refuse_nowhere(place: Place) -> None:
    if not place.path.exists():
        raise UserError(f"no release file at `{place.path}`", hint="`stillhouse release register VERSION` makes it")


def _change(place: Place, apply: Callable[[Release], Change]) -> None:
    """Commit, and have the run's twin follow where it is up."""
    if place.own:
        make_repository(place.folder.releases)
    done = commit_change(place.path, apply)
    if is_supervised(TwinPaths(folder=place.folder.twin.absolute()).folder):
        with bar("the twin follows"):
            twin_reconcile(place.folder.twin)
    if not place.as_json:
        stdout.print(f"{done.commit[:8]}  {done.change.reason}")
    _show(done.change.release, place.as_json)


def _show(release: Release, as_json: bool) -> None:
    def words() -> None:
        weights = release.weights()
        rows = [
            (version, weights.get(version, 0), known.digest[:19], known.uri)
            for version, known in release.versions.items()
        ]
        table(release.endpoint, ("version", "weight %", "digest", "uri"), rows)
        for entry in release.rejected:
            stdout.print(f"rejected {entry.version} ({entry.digest[:19]}): {entry.reason}")

    show(release, as_json, words)
