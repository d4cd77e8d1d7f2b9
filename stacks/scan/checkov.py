"""A folder of YAML -> what checkov says of it; checkov has an environment of its own and contacts nobody."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model.errors import UserError

ROOT: Final = Path(__file__).parents[2]
CHECKOV: Final = ROOT / ".checkov" / "bin" / "checkov"
TIMEOUT_S: Final = 180


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Failure:
    """A check that an object does not pass."""

    check: str
    """E.g. `CKV_K8S_43`."""
    resource: str
    """`Kind.namespace.name`, as checkov writes it."""
    sentence: str
    """The check in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What checkov says of a folder."""

    num_passed: int
    """Checks that some object passes."""
    num_resources: int
    """Objects that checkov read."""
    failures: tuple[Failure, ...]


def scan(folder: Path) -> Scan:
    """Check every YAML file beneath a folder.

    Raises:
        UserError: no scanner here, or a file that it cannot read.
    """
    if not CHECKOV.exists():
        raise UserError(f"no scanner at `{CHECKOV.relative_to(ROOT)}`", hint="`make setup` installs it")
    # Without BC_*, a key of the caller's would send what is scanned to its vendor.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BC_", "PRISMA_", "CKV_"))}
    command = [str(CHECKOV), "--directory", str(folder), "--framework", "kubernetes", "--skip-download", "--compact"]
    ended = subprocess.run(
        [*command, "--output", "json", "--soft-fail"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if ended.returncode:
        raise UserError(f"checkov ended with {ended.returncode}: {ended.stderr.strip()[-500:]}", hint="`make setup`")
    return _scan(json.loads(ended.stdout), folder)


def _scan(said: dict[str, Any], folder: Path) -> Scan:
    """Of a folder without anything that it knows checkov gives the summary alone."""
    summary, results = said.get("summary", said), said.get("results", {})
    if summary["parsing_errors"]:
        raise UserError(f"checkov cannot read {results.get('parsing_errors')} in `{folder}`", hint="is it YAML?")
    return Scan(num_passed=summary["passed"], num_resources=summary["resource_count"], failures=_failures(results))


def _failures(results: dict[str, Any]) -> tuple[Failure, ...]:
    failed: Sequence[dict[str, Any]] = results.get("failed_checks", [])
    return tuple(
        sorted({Failure(check=f["check_id"], resource=f["resource"], sentence=f["check_name"]) for f in failed})
    )
