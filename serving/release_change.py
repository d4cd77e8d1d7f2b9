"""A verb's outcome, and what all verbs refuse: no verb can write what a reader of the file would not take."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from model.errors import UserError
from serving.explain import explain
from serving.release import Release
from serving.release_evidence import EvidenceFile
from serving.release_parts import Candidate, Registered

Verb = Literal[
    "register", "canary", "ramp", "promote", "rollback", "shadow", "ab", "hold", "unhold", "clear", "advance", "verify",
    "promote-env",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A verb's outcome: the next file, and why in a few words."""

    release: Release
    verb: Verb
    reason: str
    verdict: str = ""
    """What the evidence said; empty where none was asked."""
    evidence: EvidenceFile | None = None
    """Stored beside the release file, in the same commit."""
    by: str = ""
    """Who answers for it, where the verb asks for a name."""


def changed(
    release: Release,
    verb: Verb,
    reason: str,
    update: Mapping[str, object],
    *,
    verdict: str = "",
    evidence: EvidenceFile | None = None,
    by: str = "",
) -> Change:
    """Rebuild through the schema.

    Args:
        release: the file as it is.
        verb: what is done to it.
        reason: why, or what, in a few words.
        update: field -> what it is to hold.
        verdict: what the evidence said.
        evidence: to store beside the file.
        by: who answers for it.

    Raises:
        UserError: the file would contradict itself.
    """
    fields = _tidy(release.model_dump(by_alias=True) | dict(update))
    try:
        after = Release.model_validate(fields)
    except ValidationError as error:
        raise explain(error, f"{release.endpoint}: {verb}", form=Release) from error
    return Change(release=after, verb=verb, reason=reason, verdict=verdict, evidence=evidence, by=by)


def known(release: Release, version: str) -> Registered:
    """The version's entry.

    Raises:
        UserError: there is none.
    """
    if version in release.versions:
        return release.versions[version]
    close = difflib.get_close_matches(version, release.versions, n=1)
    names = ", ".join(release.versions) or "none"
    raise UserError(
        f"{release.endpoint}: version is not registered (got {version}); registered are: {names}",
        hint=f"did you mean `{close[0]}`?" if close else "`register` it first",
    )


def on_trial(release: Release, verb: str) -> Candidate:
    """The candidate.

    Raises:
        UserError: there is none.
    """
    if release.candidate is None:
        raise UserError(
            f"{release.endpoint}: candidate: nothing to {verb} (got null)", hint="`canary` puts a version on trial"
        )
    return release.candidate


def refuse_rejected(release: Release, version: str, digest: str) -> None:
    """Refuse a digest that was rolled back."""
    for entry in release.rejected:
        if entry.digest == digest:
            raise UserError(
                f"{release.endpoint}: digest of {version} was rejected (got {digest[:19]}): {entry.reason}",
                hint=f"export a new model, or have a person answer for it: `clear {entry.version} --by NAME`",
            )


def refuse_held(release: Release, verb: str) -> None:
    """Refuse to move traffic that somebody holds."""
    if hold := release.hold:
        raise UserError(
            f"{release.endpoint}: held by {hold.owner} since {hold.since:%Y-%m-%d %H:%M}: {hold.reason} (got {verb})",
            hint=f"ask {hold.owner}, then `unhold`; `rollback` is never held",
        )


def _tidy(fields: dict[str, Any]) -> dict[str, Any]:
    """Drop who waits or listens once they serve, or their digest was rejected."""
    barred = {entry["digest"] for entry in fields["rejected"]}
    serving = [fields[place] for place in ("stable", "candidate") if fields[place]]
    for place in ("previous", "shadow"):
        one = fields[place]
        if one and (one["digest"] in barred or one["digest"] in {other["digest"] for other in serving}):
            fields[place] = None
        elif one:
            serving.append(one)
    busy = {one["version"] for one in serving}
    fields["warm"] = [name for name in fields["warm"] if name not in busy and not _barred(fields, name, barred)]
    return fields


def _barred(fields: Mapping[str, Any], version: str, barred: set[str]) -> bool:
    return fields["versions"][version]["digest"] in barred
