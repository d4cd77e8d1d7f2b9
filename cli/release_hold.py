"""Verbs of `stillhouse release` that a person answers for by name: hold, unhold, clear."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.release_done import change
from cli.releases import Place, changes
from serving.release_verbs_hold import clear as clear_verb
from serving.release_verbs_hold import hold as hold_verb
from serving.release_verbs_hold import unhold as unhold_verb

Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")]
By = Annotated[str, typer.Option("--by", help="Who answers for it.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the app."""
    for verb in (hold, unhold, clear):
        app.command()(changes(verb))


def hold(place: Place, reason: Why, owner: Annotated[str, typer.Option("--owner", help="Who may be asked.")]) -> None:
    """Let nothing move towards the candidate until `unhold`; `rollback` is never held.

    Example: `stillhouse release hold --owner ada --reason "sale on Friday" --run runs/shop`
    """
    change(place, lambda release: hold_verb(release, owner=owner, reason=reason, now=datetime.now(UTC)))


def unhold(place: Place, by: By) -> None:
    """Let it move again; the candidate's step begins anew.

    Example: `stillhouse release unhold --by ada --run runs/shop`
    """
    change(place, lambda release: unhold_verb(release, by=by, now=datetime.now(UTC)))


def clear(
    place: Place,
    rejected: Annotated[str, typer.Argument(help="A rejected version, or its digest.")],
    by: By,
    reason: Why,
) -> None:
    """Let a rejected digest serve again; a person answers for it.

    Example: `stillhouse release clear v3 --by ada --reason "the errors were a broken node's" --run runs/shop`
    """
    change(place, lambda release: clear_verb(release, rejected=rejected, by=by, reason=reason))
