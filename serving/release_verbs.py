"""What people do to a release, part one: each verb is a pure function `Release -> Change`."""

from datetime import datetime

from model.errors import UserError
from serving.release import Release
from serving.release_change import Change, changed, known, on_trial, refuse_held, refuse_rejected
from serving.release_evidence import EvidenceFile
from serving.release_parts import Candidate, Stable


def register(release: Release, *, version: str, digest: str, uri: str, registered: datetime) -> Change:
    """Make a version known; it takes no traffic yet."""
    before = release.versions.get(version)
    if before is not None and before.digest != digest:
        raise UserError(
            f"{release.endpoint}: versions.{version}: is {before.digest[:19]} for good (got {digest[:19]})",
            hint="register the new digest under a new version name",
        )
    refuse_rejected(release, version, digest)
    proven = [proof.model_dump() for proof in before.proven] if before else []
    entry = {"digest": digest, "uri": uri, "registered": registered, "proven": proven}
    versions = {name: value.model_dump() for name, value in release.versions.items()} | {version: entry}
    return changed(release, "register", f"register {version}", {"versions": versions})


def canary(release: Release, *, version: str, weight: int | None = None, now: datetime | None = None) -> Change:
    """Give a registered version its first share of the traffic.

    Args:
        release: the file.
        version: who.
        weight: percent; None takes the plan's first step.
        now: when the share begins; None leaves it unsaid, and then no evidence can be shown to be of this share.
    """
    digest = may_be_tried(release, version, "canary")
    if weight is None:
        if release.plan is None:
            raise UserError(f"{release.endpoint}: plan: there is none to take a weight from", hint="name a --weight")
        weight = int(release.plan.steps[0].weight)
    candidate = {"version": version, "digest": digest, "weight": _weight(release, weight), "since": now}
    return changed(release, "canary", f"canary {version} at {weight} %", {"candidate": candidate})


def ramp(release: Release, *, weight: int, now: datetime | None = None) -> Change:
    """Change the candidate's share; the step begins anew."""
    candidate = on_trial(release, "ramp")
    refuse_held(release, "ramp")
    update = candidate.model_dump() | {"weight": _weight(release, weight), "since": now}
    text = f"ramp {candidate.version} from {candidate.weight} % to {weight} %"
    return changed(release, "ramp", text, {"candidate": update})


def promote(release: Release, *, version: str, now: datetime | None = None) -> Change:
    """Make the candidate stable; without any stable version, a registered version may become the first.

    What it relieves stays ready as `previous` until `verify`: the promotion is provisional.
    """
    digest = known(release, version).digest
    refuse_rejected(release, version, digest)
    refuse_held(release, "promote")
    candidate = release.candidate.version if release.candidate else None
    if release.stable is not None and version != candidate:
        raise UserError(
            f"{release.endpoint}: only the candidate can be promoted, it is {candidate or 'null'} (got {version})",
            hint=f"`canary {version} --weight 10` puts it on trial first",
        )
    before = f" in place of {release.stable.version}" if release.stable else " as the first stable version"
    relieved = release.stable.model_dump() | {"weight": release.hold_back, "since": now} if release.stable else None
    stable = {"version": version, "digest": digest}
    update = {"stable": stable, "candidate": None, "previous": relieved}
    return changed(release, "promote", f"promote {version}{before}", update)


def rollback(
    release: Release,
    *,
    version: str | None = None,
    reason: str = "by hand",
    now: datetime | None = None,
    verdict: str = "",
    evidence: EvidenceFile | None = None,
) -> Change:
    """Take back who serves, and bar its digest; needs no gate, and is never held.

    Args:
        release: the file.
        version: who goes: the candidate where it is None, or the stable version, for which the previous one takes over
            again. That one has to be named, so that two people who both roll a candidate back do no more than that.
        reason: why; it stands in the file.
        now: when.
        verdict: what the evidence said, where it was asked.
        evidence: where it was asked.
    """
    out, text, update = _taken_back(release, version)
    entry = {"digest": out.digest, "version": out.version, "reason": reason, "since": now}
    update["rejected"] = [*(item.model_dump() for item in release.rejected), entry]
    return changed(release, "rollback", f"{text}: {reason}", update, verdict=verdict, evidence=evidence)


def may_be_tried(release: Release, version: str, verb: str) -> str:
    """The digest of a version that may become the candidate.

    Raises:
        UserError: another one is on trial, nothing is stable, the version serves already, was rejected, or is unknown.
    """
    refuse_held(release, verb)
    if release.candidate is not None:
        raise UserError(
            f"{release.endpoint}: candidate: one at a time, {release.candidate.version} is on trial (got {version})",
            hint=f"`promote` or `rollback` {release.candidate.version} first, or `ramp` to change its weight",
        )
    if release.stable is None:
        raise UserError(
            f"{release.endpoint}: stable: a {verb} needs a stable version beside it (got null)",
            hint=f"`promote {version}` makes it the first stable version",
        )
    digest = known(release, version).digest
    refuse_rejected(release, version, digest)
    if digest == release.stable.digest:
        raise UserError(
            f"{release.endpoint}: candidate.version: {version} is the stable digest already (got {digest[:19]})",
            hint="register another digest",
        )
    if release.previous is not None and digest == release.previous.digest:
        raise UserError(
            f"{release.endpoint}: candidate.version: {version} is the previous version (got {digest[:19]})",
            hint="`rollback` goes back to it; `verify` ends its wait",
        )
    return digest


def _taken_back(release: Release, version: str | None) -> tuple[Candidate | Stable, str, dict[str, object]]:
    """(who goes, what that is in words, what the file says then)."""
    stable, candidate, previous = release.stable, release.candidate, release.previous
    if candidate and version in (None, candidate.version):
        return candidate, f"roll back {candidate.version} from {candidate.weight} %", {"candidate": None}
    if stable and previous and version == stable.version:
        again = {"version": previous.version, "digest": previous.digest}
        return stable, f"roll back {stable.version} to {previous.version}", {"stable": again, "previous": None}
    if stable and previous and version is None:
        hint = f"`rollback {stable.version}` takes back its promotion, to {previous.version}"
    elif candidate:
        hint = f"`rollback {candidate.version}` takes back the candidate"
    else:
        hint = "no version is on trial, and none waits for a way back; `status` shows the file"
    raise UserError(f"{release.endpoint}: candidate: nothing to rollback (got {version or 'null'})", hint=hint)


def _weight(release: Release, weight: int) -> int:
    if not 1 <= weight <= 99:
        raise UserError(
            f"{release.endpoint}: candidate.weight: must be 1 to 99 percent (got {weight})",
            hint="`promote` for 100, `rollback` for 0",
        )
    return weight
