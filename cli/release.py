"""`stillhouse release VERB`: one verb, one commit; the verbs about who serves are here, the others beside it."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import release_evidence, release_hold, release_read, release_side
from cli.release_done import change
from cli.releases import Place, changes
from model.artifact import read_artifact
from serving.release import Release
from serving.release_change import Change
from serving.release_verbs import canary as canary_verb
from serving.release_verbs import promote as promote_verb
from serving.release_verbs import ramp as ramp_verb
from serving.release_verbs import register as register_verb
from serving.release_verbs import rollback as rollback_verb

app = typer.Typer(help="Move versions by commits to the release file; the twin follows.", no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="Name of a version, e.g. v2.")]
Weight = Annotated[int, typer.Option(help="Percent of the traffic, 1 to 99.")]
FirstWeight = Annotated[int | None, typer.Option(help="Percent, 1 to 99; the plan's first step, or 10 without a plan.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the file and in the commit.")]


@app.command()
@changes
def register(place: Place, version: Version) -> None:
    """Make an exported version known, by name and digest; it takes no traffic yet.

    Example: `stillhouse release register v1 --run runs/shop`
    """
    artifact = read_artifact(place.folder.repository(version), kind="triton_repository", verify=True)
    uri = f"repositories/{version}"

    def apply(release: Release) -> Change:
        now = datetime.now(UTC)
        return register_verb(release, version=version, digest=artifact.digest, uri=uri, registered=now)

    change(place, apply)


@app.command()
@changes
def canary(place: Place, version: Version, weight: FirstWeight = None) -> None:
    """Give a registered version its first share of the traffic.

    Example: `stillhouse release canary v2 --weight 10 --run runs/shop`
    """

    def apply(release: Release) -> Change:
        told = 10 if weight is None and release.plan is None else weight
        return canary_verb(release, version=version, weight=told, now=datetime.now(UTC))

    change(place, apply)


@app.command()
@changes
def ramp(place: Place, weight: Weight) -> None:
    """Change the candidate's share; its step begins anew.

    Example: `stillhouse release ramp --weight 50 --run runs/shop`
    """
    change(place, lambda release: ramp_verb(release, weight=weight, now=datetime.now(UTC)))


@app.command()
@changes
def promote(place: Place, version: Version) -> None:
    """Make the candidate stable (or, where nothing is stable yet, a registered version).

    The promotion is provisional: what it relieves stays ready until `verify`.

    Example: `stillhouse release promote v2 --run runs/shop`
    """
    change(place, lambda release: promote_verb(release, version=version, now=datetime.now(UTC)))


@app.command()
@changes
def rollback(
    place: Place,
    version: Annotated[
        str | None, typer.Argument(help="Who goes: the candidate, or the stable version by name.")
    ] = None,
    reason: Reason = "by hand",
) -> None:
    """Take the candidate off all traffic at once; its digest does not serve again until a person clears it.

    Named, the stable version goes instead, and what it relieved takes over again.

    Example: `stillhouse release rollback --reason "5 % errors" --run runs/shop`
    """
    change(place, lambda release: rollback_verb(release, version=version, reason=reason, now=datetime.now(UTC)))


release_side.register(app)
release_evidence.register(app)
release_hold.register(app)
release_read.register(app)
