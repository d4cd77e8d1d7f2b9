"""A change -> the message of its commit, whose trailers say for machines what the subject says for people."""

import re

from serving.release_change import Change

_TRAILER = re.compile(r"^([A-Z][A-Za-z-]*): (.*)$")


def commit_message(change: Change) -> str:
    """Subject `release(<endpoint>): <reason>`, and who serves after it as trailers."""
    release = change.release
    subject = f"release({release.endpoint}): {_line(change.reason)}"
    lines = "\n".join(f"{key}: {_line(value)}" for key, value in trailers(change).items())
    return f"{subject}\n\n{lines}\n"


def trailers(change: Change) -> dict[str, str]:
    """Verb, versions and digests that serve, weight, verdict, evidence, and who answers for it."""
    release = change.release
    told = {"Verb": change.verb, "Stable": "none", "Candidate": "none"}
    for place, one in release.places().items():
        told |= {place.capitalize(): one.version, f"{place.capitalize()}-Digest": one.digest}
    if release.candidate:
        told["Weight"] = str(release.candidate.weight)
    if change.verb == "rollback" or change.verdict in ("rollback", "revert"):
        told["Rejected"] = release.rejected[-1].digest
    if release.hold:
        told["Hold"] = release.hold.owner
    if change.verdict:
        told["Verdict"] = change.verdict
    if change.evidence:
        told["Evidence"] = change.evidence.digest
    if change.by:
        told["By"] = change.by
    return told


def parse_trailers(block: str) -> dict[str, str]:
    """What git gives back as trailers, one a line."""
    found = (_TRAILER.match(line) for line in block.splitlines())
    return {match.group(1): match.group(2) for match in found if match}


def _line(text: str) -> str:
    return " ".join(text.split())
