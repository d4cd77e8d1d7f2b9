"""What people do to a release, part two: versions that are tried in other ways than by chance."""

from collections.abc import Sequence
from datetime import datetime

from model.errors import UserError
from serving.release import Release
from serving.release_change import Change, changed, known, on_trial, refuse_held, refuse_rejected
from serving.release_match import ByEntity, ByHeader
from serving.release_verbs import may_be_tried


def shadow(release: Release, *, version: str, percent: int = 100) -> Change:
    """Send copies of requests to a registered version; nobody gets its answers."""
    refuse_held(release, "shadow")
    if release.stable is None:
        raise UserError(
            f"{release.endpoint}: stable: a shadow needs a stable version whose requests are copied (got null)",
            hint=f"`promote {version}` makes it the first stable version",
        )
    digest = known(release, version).digest
    refuse_rejected(release, version, digest)
    for place, one in release.places().items():
        if place != "shadow" and one.digest == digest:
            raise UserError(
                f"{release.endpoint}: shadow.version: {version} is the {place} digest already (got {digest[:19]})",
                hint="a shadow is compared with who serves: name another version",
            )
    if not 1 <= percent <= 100:
        raise UserError(
            f"{release.endpoint}: shadow.percent: must be 1 to 100 (got {percent})", hint="`shadow --off` ends it"
        )
    entry = {"version": version, "digest": digest, "percent": percent}
    return changed(release, "shadow", f"shadow {version} with {percent} % of the requests", {"shadow": entry})


def end_shadow(release: Release) -> Change:
    """Send no copies any more."""
    if release.shadow is None:
        raise UserError(f"{release.endpoint}: shadow: nothing to end (got null)", hint="`shadow VERSION` begins one")
    return changed(release, "shadow", f"end the shadow {release.shadow.version}", {"shadow": None})


def ab(
    release: Release,
    *,
    version: str,
    rules: Sequence[ByHeader | ByEntity],
    share: int | None = None,
    now: datetime | None = None,
) -> Change:
    """Try a version on those whom rules choose, in place of chance.

    Args:
        release: the file.
        version: a registered version, or the candidate, which keeps its share where none is told.
        rules: who gets it, the first that holds.
        share: percent of the entities (or, without a rule on entities, of the requests that no rule chooses).
        now: when this begins.
    """
    if not rules:
        raise UserError(f"{release.endpoint}: candidate.match: who gets {version}? (got no rule)", hint=_RULES)
    refuse_held(release, "ab")
    sticky = any(isinstance(rule, ByEntity) for rule in rules)
    candidate = release.candidate if release.candidate and release.candidate.version == version else None
    digest = candidate.digest if candidate else may_be_tried(release, version, "ab")
    weight = share if share is not None else candidate.weight if candidate else 50 if sticky else 0
    if not int(sticky) <= weight <= 99:
        raise UserError(
            f"{release.endpoint}: candidate.weight: must be {int(sticky)} to 99 percent (got {weight})",
            hint="`promote` for 100, `rollback` for 0",
        )
    match = [rule.model_dump() for rule in rules]
    entry = {"version": version, "digest": digest, "weight": weight, "since": now, "match": match}
    whom = ", ".join(describe(rule, weight) for rule in rules)
    return changed(release, "ab", f"compare {version} on {whom}", {"candidate": entry})


def end_ab(release: Release, *, now: datetime | None = None) -> Change:
    """Let chance choose again; the share stays."""
    candidate = on_trial(release, "compare")
    refuse_held(release, "ab")
    if not candidate.match:
        raise UserError(f"{release.endpoint}: candidate.match: nothing to end (got none)", hint=_RULES)
    if candidate.weight == 0:
        raise UserError(
            f"{release.endpoint}: candidate.weight: 0 needs a rule on a header, or nobody gets it (got 0)",
            hint="`ramp --weight 10` first, or `rollback`",
        )
    entry = candidate.model_dump() | {"match": [], "since": now}
    return changed(
        release, "ab", f"let chance choose {candidate.version} at {candidate.weight} %", {"candidate": entry}
    )


def describe(rule: ByHeader | ByEntity, weight: int) -> str:
    """A rule in words."""
    if isinstance(rule, ByEntity):
        return f"{weight} % of the entities in {rule.header} (salt {rule.salt})"
    return f"requests with {rule.header}: {rule.value}" + (f" and role {rule.role}" if rule.role else "")


_RULES = "`--header NAME=VALUE` takes the requests that say so, `--salt WORD` a sticky share of the entities"
