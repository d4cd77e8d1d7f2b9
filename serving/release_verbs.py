"""What may be done to a release: every verb is a pure function `Release -> Change`."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from model.errors import UserError
from serving.release import Candidate, Registered, Release, explain

Verb = Literal["register", "canary", "ramp", "promote", "rollback"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A verb's outcome: the next file, and why in a few words."""

    release: Release
    verb: Verb
    reason: str


def register(release: Release, *, version: str, digest: str, uri: str, registered: datetime) -> Change:
    """Make a version known; it takes no traffic yet."""
    known = release.versions.get(version)
    if known is not None and known.digest != digest:
        raise UserError(
            f"{release.endpoint}: versions.{version}: is {known.digest[:19]} for good (got {digest[:19]})",
            hint="register the new digest under a new version name",
        )
    _refuse_rejected(release, version, digest)
    entry = {"digest": digest, "uri": uri, "registered": registered}
    versions = {name: value.model_dump() for name, value in release.versions.items()} | {version: entry}
    return _change(release, "register", f"register {version}", versions=versions)


def canary(release: Release, *, version: str, weight: int) -> Change:
    """Give a registered version its first share of the traffic."""
    if release.candidate is not None:
        raise UserError(
            f"{release.endpoint}: candidate: one at a time, {release.candidate.version} is on trial (got {version})",
            hint=f"`promote` or `rollback` {release.candidate.version} first, or `ramp` to change its weight",
        )
    if release.stable is None:
        raise UserError(
            f"{release.endpoint}: stable: a canary needs a stable version beside it (got null)",
            hint=f"`promote {version}` makes it the first stable version",
        )
    digest = _known(release, version).digest
    _refuse_rejected(release, version, digest)
    if digest == release.stable.digest:
        raise UserError(
            f"{release.endpoint}: candidate.version: {version} is the stable digest already (got {digest[:19]})",
            hint="register another digest",
        )
    candidate = {"version": version, "digest": digest, "weight": _weight(release, weight)}
    return _change(release, "canary", f"canary {version} at {weight} %", candidate=candidate)


def ramp(release: Release, *, weight: int) -> Change:
    """Change the candidate's share."""
    candidate = _candidate(release, "ramp")
    update = candidate.model_dump() | {"weight": _weight(release, weight)}
    return _change(
        release, "ramp", f"ramp {candidate.version} from {candidate.weight} % to {weight} %", candidate=update
    )


def promote(release: Release, *, version: str) -> Change:
    """Make the candidate stable; without any stable version, a registered version may become the first."""
    digest = _known(release, version).digest
    _refuse_rejected(release, version, digest)
    on_trial = release.candidate.version if release.candidate else None
    if release.stable is not None and version != on_trial:
        raise UserError(
            f"{release.endpoint}: only the candidate can be promoted, it is {on_trial or 'null'} (got {version})",
            hint=f"`canary {version} --weight 10` puts it on trial first",
        )
    before = f" in place of {release.stable.version}" if release.stable else " as the first stable version"
    stable = {"version": version, "digest": digest}
    return _change(release, "promote", f"promote {version}{before}", stable=stable, candidate=None)


def rollback(release: Release, *, reason: str = "by hand") -> Change:
    """Send all traffic to the stable version and never serve the candidate's digest again; needs no gate."""
    candidate = _candidate(release, "rollback")
    entry = {"digest": candidate.digest, "version": candidate.version, "reason": reason}
    rejected = [*(item.model_dump() for item in release.rejected), entry]
    text = f"roll back {candidate.version} from {candidate.weight} %: {reason}"
    return _change(release, "rollback", text, candidate=None, rejected=rejected)


def _change(release: Release, verb: Verb, reason: str, **update: object) -> Change:
    """Rebuild through the schema, so that no verb can write what a reader would refuse."""
    fields = release.model_dump(by_alias=True) | update
    fields["warm"] = _still_warm(fields)
    try:
        return Change(release=Release.model_validate(fields), verb=verb, reason=reason)
    except ValidationError as error:
        raise explain(error, f"{release.endpoint}: {verb}") from error


def _still_warm(fields: Mapping[str, Any]) -> list[str]:
    """Warm versions that neither serve now nor were rejected."""
    serving = {fields[place]["version"] for place in ("stable", "candidate") if fields[place]}
    rejected = {entry["digest"] for entry in fields["rejected"]}
    return [
        version
        for version in fields["warm"]
        if version not in serving and fields["versions"][version]["digest"] not in rejected
    ]


def _known(release: Release, version: str) -> Registered:
    if version in release.versions:
        return release.versions[version]
    close = difflib.get_close_matches(version, release.versions, n=1)
    names = ", ".join(release.versions) or "none"
    raise UserError(
        f"{release.endpoint}: version is not registered (got {version}); registered are: {names}",
        hint=f"did you mean `{close[0]}`?" if close else "`register` it first",
    )


def _candidate(release: Release, verb: str) -> Candidate:
    if release.candidate is None:
        raise UserError(
            f"{release.endpoint}: candidate: nothing to {verb} (got null)", hint="`canary` puts a version on trial"
        )
    return release.candidate


def _refuse_rejected(release: Release, version: str, digest: str) -> None:
    for entry in release.rejected:
        if entry.digest == digest:
            raise UserError(
                f"{release.endpoint}: digest of {version} was rejected (got {digest[:19]}): {entry.reason}",
                hint="export a new model; a rejected digest stays rejected under any name",
            )


def _weight(release: Release, weight: int) -> int:
    if not 1 <= weight <= 99:
        raise UserError(
            f"{release.endpoint}: candidate.weight: must be 1 to 99 percent (got {weight})",
            hint="`promote` for 100, `rollback` for 0",
        )
    return weight
