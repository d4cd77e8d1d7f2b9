"""What people do to a release, part three: what a person answers for by name."""

from datetime import datetime

from model.errors import UserError
from serving.release import Release
from serving.release_change import Change, changed


def hold(release: Release, *, owner: str, reason: str, now: datetime) -> Change:
    """Let nothing move towards the candidate; a rollback is never held."""
    if before := release.hold:
        raise UserError(
            f"{release.endpoint}: hold: {before.owner} holds it already, {before.reason} (got {owner})",
            hint="`unhold` first",
        )
    entry = {"owner": owner, "reason": reason, "since": now}
    return changed(release, "hold", f"hold: {reason}", {"hold": entry}, by=owner)


def unhold(release: Release, *, by: str, now: datetime) -> Change:
    """Let it move again; the candidate's step begins anew, so that the time of the hold is not counted against it."""
    if release.hold is None:
        raise UserError(f"{release.endpoint}: hold: nobody holds it (got null)", hint="`hold` does")
    text = f"unhold what {release.hold.owner} held: {release.hold.reason}"
    candidate = release.candidate and release.candidate.model_dump() | {"since": now}
    return changed(release, "unhold", text, {"hold": None, "candidate": candidate}, by=by)


def clear(release: Release, *, rejected: str, by: str, reason: str) -> Change:
    """Let a rejected digest serve again; a person answers for it.

    Args:
        release: the file.
        rejected: its digest, or the version that it was rejected as.
        by: who answers.
        reason: why; it stands in the history.
    """
    if not by.strip() or not reason.strip():
        raise UserError(
            f"{release.endpoint}: rejected: a person clears a digest, with a reason (got `{by}`, `{reason}`)",
            hint="`clear VERSION --by NAME --reason WORDS`",
        )
    found = [entry for entry in release.rejected if rejected in (entry.digest, entry.version)]
    if not found:
        names = ", ".join(dict.fromkeys(entry.version for entry in release.rejected)) or "none"
        raise UserError(
            f"{release.endpoint}: rejected: was not rejected (got {rejected}); rejected are: {names}",
            hint="`status` shows them with their digests",
        )
    if len({entry.digest for entry in found}) > 1:
        raise UserError(
            f"{release.endpoint}: rejected: several digests were rejected under this name (got {rejected})",
            hint=f"name one: {', '.join(entry.digest for entry in found)}",
        )
    kept = [entry.model_dump() for entry in release.rejected if entry.digest != found[0].digest]
    text = f"clear {found[0].version} ({found[0].digest[:19]}): {reason}"
    return changed(release, "clear", text, {"rejected": kept}, by=by)
