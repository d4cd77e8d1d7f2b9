"""Verbs of `stillhouse release` that go by evidence: advance, verify, promote-env."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.console import AsJson
from cli.options import DEFAULT_RUN, RunPath
from cli.release_done import change, refuse_nowhere
from cli.releases import DryRun, Endpoint, Place, Repository, changes, find_place
from model.errors import UserError
from serving.release import Release
from serving.release_change import Change
from serving.release_evidence import Weighed
from serving.release_repository import read_evidence, read_head
from serving.release_verbs_evidence import adopt, confirm
from serving.release_verbs_evidence import advance as advance_verb
from serving.release_verbs_evidence import verify as verify_verb

Environment = Annotated[str, typer.Argument(help="dev, staging or prod.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the app."""
    for verb in (advance, verify):
        app.command()(changes(verb))
    app.command("promote-env")(promote_env)


def advance(
    place: Place,
    evidence: Annotated[Path, typer.Option("--evidence", help="What the judge wrote about the present step.")],
) -> None:
    """Do what the evidence says: the next step, promotion, or rollback; HOLD, NO_DATA and ERROR change nothing.

    Example: `stillhouse release advance --evidence evidence.json --run runs/shop`
    """
    from serving.release_weigh import read_weighed

    weighed = read_weighed(evidence)
    change(place, lambda release: advance_verb(release, weighed=weighed, now=datetime.now(UTC)))


def verify(
    place: Place,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Table of requests: version, requested, score, label.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who confirms it without labels.")] = None,
    reason: Annotated[str, typer.Option(help="Why, with --by.")] = "",
) -> None:
    """Confirm a promotion by labels that came later, or take it back; or confirm it on a person's word.

    Example: `stillhouse release verify --labels labels.parquet --run runs/shop`
    """
    if (labels is None) == (by is None):
        got = "neither" if labels is None else "both"
        raise UserError(f"verify: by labels or by a person? (got {got})", hint="--labels FILE, or --by NAME")
    if by is not None:
        change(place, lambda release: confirm(release, by=by, reason=reason))
        return
    from serving.release_labels import judge_labels

    def apply(release: Release) -> Change:
        assert labels is not None, "one of the two was given"
        now = datetime.now(UTC)
        return verify_verb(release, labels=judge_labels(release, labels, now=now), now=now)

    change(place, apply)


def promote_env(
    source: Environment,
    target: Environment,
    version: Annotated[str | None, typer.Option(help="The source's stable version by default.")] = None,
    endpoint: Endpoint = "online-model",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a version that one environment promoted known in another: the same digest, with its evidence.

    Example: `stillhouse release promote-env dev staging --run runs/shop`
    """
    if source == target:
        raise UserError(f"promote-env: two environments (got {source} twice)", hint="`promote-env dev staging`")
    there = find_place(endpoint, source, repository, run, as_json)
    refuse_nowhere(there)
    release = read_head(there.path)
    named = version or (release.stable.version if release.stable else "")
    proof = _proof(there, release, named)
    here = replace(find_place(endpoint, target, repository, run, as_json), dry_run=dry_run)
    change(
        here,
        lambda ours: adopt(ours, source=release, environment=source, version=named, proof=proof, now=datetime.now(UTC)),
    )


def _proof(place: Place, release: Release, version: str) -> Weighed:
    """The evidence of the version's last promotion there."""
    from serving.release_weigh import weighed_then

    known = release.versions.get(version)
    own = [proof for proof in known.proven if proof.environment is None] if known else []
    if not own:
        raise UserError(
            f"{place.environment}: evidence: {version or 'no version'} has none of a promotion there",
            hint="only a version that `advance` promoted goes on to another environment",
        )
    digest = own[-1].evidence
    return weighed_then(read_evidence(place.path, digest), place=f"evidence {digest[:19]}")
