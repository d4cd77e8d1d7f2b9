"""Verbs of `stillhouse release` that try a version in other ways than by chance: shadow, ab."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.release_done import change
from cli.releases import Place, changes
from model.errors import UserError
from serving.release_match import ENTITY_HEADER, ByEntity, ByHeader
from serving.release_verbs_side import ab as ab_verb
from serving.release_verbs_side import end_ab, end_shadow
from serving.release_verbs_side import shadow as shadow_verb

Version = Annotated[str | None, typer.Argument(help="Name of a registered version, e.g. v2.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the app."""
    for verb in (shadow, ab):
        app.command()(changes(verb))


def shadow(
    place: Place,
    version: Version = None,
    percent: Annotated[int, typer.Option(help="Of the requests that are copied.")] = 100,
    off: Annotated[bool, typer.Option("--off", help="End it.")] = False,
) -> None:
    """Send copies of requests to a version; nobody gets its answers.

    Example: `stillhouse release shadow v2 --percent 20 --run runs/shop`
    """
    if off:
        change(place, end_shadow)
        return
    named = _named(version, "shadow")
    change(place, lambda release: shadow_verb(release, version=named, percent=percent))


def ab(
    place: Place,
    version: Version = None,
    share: Annotated[int | None, typer.Option(help="Percent of the entities, 1 to 99; 50 where it is new.")] = None,
    salt: Annotated[str | None, typer.Option(help="Draw entities by a hash of this word and their key.")] = None,
    entity_header: Annotated[str, typer.Option(help="Header that carries an entity's key.")] = ENTITY_HEADER,
    header: Annotated[list[str] | None, typer.Option(help="NAME=VALUE: all requests that say so; repeatable.")] = None,
    role: Annotated[str | None, typer.Option(help="That the token of those who send --header must have.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Let chance choose again.")] = False,
) -> None:
    """Try a version on a sticky share of the entities, or on requests with a header, in place of chance.

    Example: `stillhouse release ab v2 --share 50 --salt november --run runs/shop`
    """
    now = datetime.now(UTC)
    if off:
        change(place, lambda release: end_ab(release, now=now))
        return
    named = _named(version, "ab")
    rules: list[ByHeader | ByEntity] = [_by_header(each, role) for each in header or []]
    if salt is not None:
        rules.append(ByEntity(kind="entity", header=entity_header, salt=salt))
    change(place, lambda release: ab_verb(release, version=named, rules=rules, share=share, now=now))


def _named(version: str | None, verb: str) -> str:
    if version is None:
        raise UserError(f"{verb}: which version? (got none)", hint=f"`{verb} v2`, or `{verb} --off`")
    return version


def _by_header(text: str, role: str | None) -> ByHeader:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UserError(f"--header: not NAME=VALUE (got `{text}`)", hint="--header x-stillhouse-version=v2")
    return ByHeader(kind="header", header=name.lower(), value=value, role=role)
