"""What evidence does to a release: a step on, a step back, or nothing; with the words that say why."""

from dataclasses import replace
from datetime import datetime, timedelta

from model.errors import UserError
from serving.judge.verdict import Verdict
from serving.release import Release
from serving.release_change import Change, changed, known, on_trial
from serving.release_evidence import LabelVerdict, Weighed
from serving.release_parts import Candidate, Previous, Stable
from serving.release_verbs import promote, ramp, register, rollback

FRESH = timedelta(minutes=10)
"""Evidence that is older says nothing about now."""
SKEW = timedelta(minutes=1)
"""By which two clocks may differ."""
OWNER = "the plan"
"""Who holds a step that took too long."""


def advance(release: Release, *, weighed: Weighed, now: datetime) -> Change:
    """Do what the evidence says: the next step or promotion on ADVANCE, a rollback on ROLLBACK, and otherwise nothing.

    A step that has lasted longer than its `max_minutes` without a decision is held, so that a person looks at it.

    Raises:
        UserError: no candidate, no plan, or evidence about other digests or about an earlier step.
    """
    candidate = on_trial(release, "advance")
    step = release.step()
    if step is None:
        raise UserError(
            f"{release.endpoint}: plan: there is no next step without one (got null)",
            hint="write `plan` and `expected_rate_per_second` into the file, or `ramp` and `promote` by hand",
        )
    _refuse_foreign(release, candidate, weighed)
    if (weighed.plan, weighed.step) != (release.plan, step):
        raise UserError(
            f"{release.endpoint}: plan: the evidence was judged by another plan or step "
            f"(got {weighed.step.weight:g} %, the file is at {step.weight:g} %)",
            hint="judge it by the plan in the file",
        )
    judgement = weighed.judgement
    if judgement.verdict is Verdict.ROLLBACK:
        return rollback(release, reason=judgement.reason, now=now, verdict=judgement.verdict, evidence=weighed.file)
    if release.hold:
        return _stay(release, weighed, f"held by {release.hold.owner}: {release.hold.reason}")
    if candidate.since is None:
        again = f"when {candidate.weight} % began is not written down; `ramp --weight {candidate.weight}` does"
        return _stay(release, weighed, again)
    if judgement.verdict is Verdict.ADVANCE:
        early = _too_early(candidate.since, step.min_minutes, weighed, now)
        return _stay(release, weighed, early) if early else _step_on(release, candidate, weighed, now)
    if judgement.overdue or now > candidate.since + timedelta(minutes=step.max_minutes):
        return _overdue(release, step.max_minutes, weighed, now)
    return _stay(release, weighed, judgement.reason)


def verify(release: Release, *, labels: LabelVerdict, now: datetime) -> Change:
    """Do what labels say of the stable version: let go what it relieved, go back to that, or look again later."""
    stable, previous = provisional(release)
    match labels.confirmation:
        case "confirm":
            text = f"confirm {stable.version}, let {previous.version} go: {labels.reason}"
            change = changed(release, "verify", text, {"previous": None})
        case "revert":
            change = rollback(release, version=stable.version, reason=labels.reason, now=now)
        case "not_mature" if labels.looked:
            looked = previous.model_dump() | {"looks": previous.looks + 1}
            text = f"{stable.version} stays provisional: {labels.reason}"
            change = changed(release, "verify", text, {"previous": looked})
        case _:
            return Change(release=release, verb="verify", reason=labels.reason, verdict=labels.confirmation)
    return replace(change, verb="verify", verdict=labels.confirmation, evidence=labels.file)


def confirm(release: Release, *, by: str, reason: str) -> Change:
    """Let go what the stable version relieved, on a person's word."""
    stable, previous = provisional(release)
    if not by.strip() or not reason.strip():
        raise UserError(
            f"{release.endpoint}: previous: a person confirms, with a reason (got `{by}`, `{reason}`)",
            hint="`verify --labels FILE`, or `verify --by NAME --reason WORDS`",
        )
    text = f"confirm {stable.version}, let {previous.version} go: {reason}"
    return changed(release, "verify", text, {"previous": None}, by=by)


def provisional(release: Release) -> tuple[Stable, Previous]:
    """The stable version that waits for labels, and what it relieved.

    Raises:
        UserError: nothing waits.
    """
    if release.stable is None or release.previous is None:
        raise UserError(
            f"{release.endpoint}: previous: no promotion waits to be verified (got null)",
            hint="`status` shows the file",
        )
    return release.stable, release.previous


def adopt(
    release: Release, *, source: Release, environment: str, version: str, proof: Weighed, now: datetime
) -> Change:
    """Make a version that another environment promoted known here: the same name, digest and address, and its evidence.

    Args:
        release: this environment's file.
        source: the other's.
        environment: the other's name.
        version: who.
        proof: the evidence on which the other promoted it.
        now: when.
    """
    there = known(source, version)
    if source.is_rejected(there.digest):
        raise UserError(
            f"{environment}: {version} was rolled back there (got {there.digest[:19]})",
            hint="nothing that was rejected goes on to another environment",
        )
    if source.stable is None or source.stable.version != version:
        stable = source.stable.version if source.stable else "null"
        raise UserError(
            f"{environment}: only what is stable there goes on, it is {stable} (got {version})",
            hint=f"`advance` it to stable in {environment} first",
        )
    if proof.judgement.verdict is not Verdict.ADVANCE or proof.evidence.candidate.digest != there.digest:
        raise UserError(
            f"{environment}: evidence {proof.file.digest[:19]} is not of this promotion: it says "
            f"{proof.judgement.verdict.value} about {proof.evidence.candidate.digest[:19]} (got {there.digest[:19]})",
            hint="`history` shows on what it was promoted",
        )
    ours = release.versions.get(version)
    if ours and ours.digest == there.digest and any(each.evidence == proof.file.digest for each in ours.proven):
        return Change(release=release, verb="promote-env", reason=f"{version} is known from {environment} already")
    after = register(release, version=version, digest=there.digest, uri=there.uri, registered=now).release
    entry = {"evidence": proof.file.digest, "environment": environment}
    text = f"register {version} as promoted in {environment}: {proof.judgement.reason}"
    return changed(
        after,
        "promote-env",
        text,
        {"versions": _with_proof(after, version, entry)},
        verdict=proof.judgement.verdict,
        evidence=None,
    )


def _step_on(release: Release, candidate: Candidate, weighed: Weighed, now: datetime) -> Change:
    after = release.next_step()
    if after is not None:
        moved = ramp(release, weight=int(after.weight), now=now)
    else:
        promoted = promote(release, version=candidate.version, now=now)
        proven = _with_proof(promoted.release, candidate.version, {"evidence": weighed.file.digest})
        moved = changed(promoted.release, "advance", promoted.reason, {"versions": proven})
    return replace(
        moved,
        verb="advance",
        reason=f"{moved.reason}: {weighed.judgement.reason}",
        verdict=weighed.judgement.verdict,
        evidence=weighed.file,
    )


def _with_proof(release: Release, version: str, entry: dict[str, str]) -> dict[str, object]:
    versions: dict[str, object] = {name: one.model_dump() for name, one in release.versions.items()}
    proven = [proof.model_dump() for proof in release.versions[version].proven]
    if not any(proof["evidence"] == entry["evidence"] for proof in proven):
        versions[version] = release.versions[version].model_dump() | {"proven": [*proven, entry]}
    return versions


def _overdue(release: Release, max_minutes: float, weighed: Weighed, now: datetime) -> Change:
    reason = f"no decision within {max_minutes:g} minutes: {weighed.judgement.reason}"
    entry = {"owner": OWNER, "reason": reason[:500], "since": now}
    return changed(
        release,
        "advance",
        f"hold: {reason}",
        {"hold": entry},
        verdict=weighed.judgement.verdict,
        evidence=weighed.file,
    )


def _stay(release: Release, weighed: Weighed, reason: str) -> Change:
    """Nothing to write: evidence is kept only for what it changed."""
    return Change(release=release, verb="advance", reason=reason, verdict=weighed.judgement.verdict)


def _too_early(since: datetime, min_minutes: float, weighed: Weighed, now: datetime) -> str:
    """Why evidence that says ADVANCE is not enough yet; empty when it is."""
    begun, gathered = weighed.evidence.step_start, weighed.evidence.gathered
    if begun < since:
        return f"the evidence begins at {begun:%H:%M:%S}, before this step did at {since:%H:%M:%S}"
    if now - gathered > FRESH:
        return f"the evidence is {(now - gathered) / timedelta(minutes=1):.0f} minutes old; it may be 10"
    if gathered - now > SKEW:
        return f"the evidence is from {gathered:%H:%M:%S}, later than now, {now:%H:%M:%S}: compare the clocks"
    if now < since + timedelta(minutes=min_minutes):
        passed = (now - since) / timedelta(minutes=1)
        return f"the step has lasted {passed:.1f} of at least {min_minutes:g} minutes"
    return ""


def _refuse_foreign(release: Release, candidate: Candidate, weighed: Weighed) -> None:
    evidence = weighed.evidence
    assert release.stable is not None, "a candidate has a stable version beside it"
    if evidence.endpoint != release.endpoint:
        raise UserError(
            f"{release.endpoint}: evidence is about another endpoint (got {evidence.endpoint})",
            hint="name the evidence of this one",
        )
    for place, ours, theirs in (
        ("candidate", candidate, evidence.candidate),
        ("stable", release.stable, evidence.stable),
    ):
        if ours.digest != theirs.digest:
            raise UserError(
                f"{release.endpoint}: {place}.digest: is {ours.digest[:19]}, "
                f"but the evidence is about {theirs.version} (got {theirs.digest[:19]})",
                hint="gather evidence about the versions that serve now",
            )
    if candidate.since is not None and evidence.gathered < candidate.since:
        raise UserError(
            f"{release.endpoint}: evidence is from before this step, {candidate.since:%Y-%m-%d %H:%M:%S} "
            f"(got {evidence.gathered:%Y-%m-%d %H:%M:%S})",
            hint="gather it anew",
        )
