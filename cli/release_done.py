"""What every verb that changes a release file ends in: one commit and a twin that follows, or the diff of a dry run."""

from collections.abc import Callable
from datetime import UTC, datetime

from cli.console import bar, show, stdout, table
from cli.releases import Place, make_repository
from model.errors import UserError
from serving.release import Release
from serving.release_change import Change
from serving.release_repository import Commit, commit_change, preview_change
from serving.release_words import standing


def change(place: Place, apply: Callable[[Release], Change]) -> None:
    """Commit, and have the run's twin follow where it is up; a dry run only shows."""
    if place.dry_run:
        _preview(place, apply)
        return
    if place.own:
        make_repository(place.folder.releases)
    done = commit_change(place.path, apply)
    if done.commit is not None:
        _follow(place)
    _tell(done, place.as_json)


def show_release(release: Release, as_json: bool) -> None:
    """Who runs, with what share, and how things stand."""

    def words() -> None:
        arms, places = release.arms(), {one.version: place for place, one in release.places().items()}
        rows = [
            (version, places.get(version, "warm" if version in arms else ""), arms.get(version, 0), known.digest[:19])
            for version, known in release.versions.items()
        ]
        table(release.endpoint, ("version", "role", "weight %", "digest"), rows)
        for line in standing(release, now=datetime.now(UTC)):
            stdout.print(line, soft_wrap=True, markup=False)

    show(release, as_json, words)


def refuse_nowhere(place: Place) -> None:
    """Refuse a release file that is not there."""
    if not place.path.exists():
        raise UserError(f"no release file at `{place.path}`", hint="`stillhouse release register VERSION` makes it")


def _follow(place: Place) -> None:
    from serving.twin.paths import TwinPaths
    from serving.twin.run import twin_reconcile
    from serving.twin.state import is_supervised

    if is_supervised(TwinPaths(folder=place.folder.twin.absolute()).folder):
        with bar("the twin follows"):
            twin_reconcile(place.folder.twin)


def _tell(done: Commit, as_json: bool) -> None:
    change = done.change
    document = {"commit": done.commit, **_document(change)}

    def words() -> None:
        named = done.commit[:8] if done.commit else "nothing to commit"
        stdout.print(f"{named}  {_said(change)}", soft_wrap=True, markup=False)
        show_release(change.release, as_json=False)

    show(document, as_json, words)


def _preview(place: Place, apply: Callable[[Release], Change]) -> None:
    preview = preview_change(place.path, apply)
    document = {"commit": None, "diff": preview.diff, "message": preview.message, **_document(preview.change)}

    def words() -> None:
        if not preview.diff:
            stdout.print(f"nothing to commit  {_said(preview.change)}", soft_wrap=True, markup=False)
            return
        for line in preview.diff.splitlines():
            stdout.print(line, style=_STYLES.get(line[:1], ""), soft_wrap=True, markup=False)
        stdout.print(f"\n{preview.message}", soft_wrap=True, markup=False, end="")

    show(document, place.as_json, words)


def _said(change: Change) -> str:
    verdict = f"{change.verdict.upper()}: " if change.verdict else ""
    return verdict + change.reason


def _document(change: Change) -> dict[str, object]:
    return {
        "verb": change.verb,
        "reason": change.reason,
        "verdict": change.verdict or None,
        "evidence": change.evidence.digest if change.evidence else None,
        "release": change.release.model_dump(mode="json", by_alias=True),
    }


_STYLES = {"+": "green", "-": "red", "@": "dim"}
