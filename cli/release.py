"""`stillhouse release register | canary | ramp | promote | rollback | status | history`: one verb, one commit."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.console import AsJson, bar, show, stdout, table
from cli.options import DEFAULT_RUN, RunPath
from cli.releases import Endpoint, Environment, release_path
from model.artifact import read_artifact
from model.run_folder import RunFolder
from serving.release import Release
from serving.release_repository import commit_change, read_head
from serving.release_repository import history as read_history
from serving.release_verbs import Change
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
Repository = Annotated[
    Path | None, typer.Option("--repo", help="Git checkout of the releases; the run's own by default.")
]


@app.command()
def register(
    version: Version,
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Make an exported version known, by name and digest; it takes no traffic yet.

    Example: `stillhouse release register v1 --run runs/shop`
    """
    artifact = read_artifact(RunFolder(run).repository(version), kind="triton_repository", verify=True)
    uri = f"repositories/{version}"

    def apply(release: Release) -> Change:
        now = datetime.now(UTC)
        return register_verb(release, version=version, digest=artifact.digest, uri=uri, registered=now)

    _change(run, environment, endpoint, repository, apply, as_json)


@app.command()
def canary(
    version: Version,
    weight: Weight = 10,
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Give a registered version its first share of the traffic.

    Example: `stillhouse release canary v2 --weight 10 --run runs/shop`
    """

    def apply(release: Release) -> Change:
        return canary_verb(release, version=version, weight=weight)

    _change(run, environment, endpoint, repository, apply, as_json)


@app.command()
def ramp(
    weight: Weight,
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Change the candidate's share.

    Example: `stillhouse release ramp --weight 50 --run runs/shop`
    """
    _change(run, environment, endpoint, repository, lambda release: ramp_verb(release, weight=weight), as_json)


@app.command()
def promote(
    version: Version,
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Make the candidate stable (or, where nothing is stable yet, a registered version).

    Example: `stillhouse release promote v2 --run runs/shop`
    """
    _change(run, environment, endpoint, repository, lambda release: promote_verb(release, version=version), as_json)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why; it stands in the file and in the commit.")] = "by hand",
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Take the candidate off all traffic at once; its digest never serves again.

    Example: `stillhouse release rollback --reason "5 % errors" --run runs/shop`
    """
    _change(run, environment, endpoint, repository, lambda release: rollback_verb(release, reason=reason), as_json)


@app.command()
def status(
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """What the committed release file says.

    Example: `stillhouse release status --run runs/shop`
    """
    _show(read_head(release_path(RunFolder(run), environment, endpoint, repository)), as_json)


@app.command()
def history(
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Every change of the release file, newest first.

    Example: `stillhouse release history --run runs/shop`
    """
    entries = read_history(release_path(RunFolder(run), environment, endpoint, repository))

    def words() -> None:
        rows = [(f"{entry.when:%Y-%m-%d %H:%M:%S}", entry.commit[:8], entry.author, entry.subject) for entry in entries]
        table("", ("when", "commit", "who", "what"), rows)

    changes = [
        {"commit": e.commit, "when": e.when.isoformat(), "author": e.author, "subject": e.subject} for e in entries
    ]
    show({"changes": changes}, as_json, words)


def _change(
    run: Path,
    environment: str,
    endpoint: str,
    repository: Path | None,
    apply: Callable[[Release], Change],
    as_json: bool,
) -> None:
    """Commit, and have the run's twin follow where it is up."""
    folder = RunFolder(run)
    done = commit_change(release_path(folder, environment, endpoint, repository), apply)
    if is_supervised(TwinPaths(folder=folder.twin.absolute()).folder):
        with bar("the twin follows"):
            twin_reconcile(folder.twin)
    if not as_json:
        stdout.print(f"{done.commit[:8]}  {done.change.reason}")
    _show(done.change.release, as_json)


def _show(release: Release, as_json: bool) -> None:
    def words() -> None:
        weights = release.weights()
        table(release.endpoint, ("version", "weight %", "digest", "uri"), [
            (version, weights.get(version, 0), known.digest[:19], known.uri)
            for version, known in release.versions.items()
        ])  # fmt: skip
        for entry in release.rejected:
            stdout.print(f"rejected {entry.version} ({entry.digest[:19]}): {entry.reason}")

    show(release, as_json, words)
