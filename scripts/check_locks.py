"""Checks, without a network, that the locks are fresh: all pinned and hashed, none left over, no address."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)")


def pins(lock: str) -> dict[str, str]:
    """Canonical name -> pinned version."""
    found = (PIN.match(line) for line in lock.splitlines())
    return {canonicalize_name(match["name"]): match["version"] for match in found if match}


def complaints(lock_name: str, requirements: list[Requirement], *, follow: bool) -> list[str]:
    """What is stale in one lock.

    Args:
        lock_name: file at the root.
        requirements: what pyproject.toml asks for.
        follow: also walk the requirements of installed packages, and report pins that nothing asks for.
    """
    lock = (ROOT / lock_name).read_text()
    pinned, lines, seen = pins(lock), [], set()
    if "://" in lock:
        lines.append(f"{lock_name}: holds an address; locks name packages only")
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock.strip()):
        if "--hash=sha256:" not in block:
            lines.append(f"{lock_name}: no hash for `{block.split()[0]}`")
    queue = list(requirements)
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        version = pinned.get(name)
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            lines.append(f"{lock_name}: `{requirement}` is asked for (got {version or 'no pin'})")
        if follow and (name, frozenset(requirement.extras)) not in seen:
            seen.add((name, frozenset(requirement.extras)))
            queue += _requirements_of(name, requirement.extras)
    if follow:
        asked = {name for name, _ in seen}
        lines += [f"{lock_name}: nothing asks for `{name}`" for name in sorted(set(pinned) - asked)]
    return lines


def _requirements_of(name: str, extras: set[str]) -> list[Requirement]:
    """What the installed package asks for on this platform."""
    try:
        found = [Requirement(text) for text in requires(name) or []]
    except PackageNotFoundError:
        return []
    wanted = extras | {""}
    return [r for r in found if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in wanted)]


def main() -> int:
    """Print the complaints; 0 where there are none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = [
        Requirement(text) for text in [*project["project"]["dependencies"], *groups["dev"], *groups["comparisons"]]
    ]
    lines = complaints("requirements.lock", asked, follow=True)
    lines += complaints("requirements-triton.lock", [Requirement(text) for text in groups["triton"]], follow=False)
    lines += complaints("requirements-zig.lock", [Requirement(text) for text in groups["zig"]], follow=False)
    lines += complaints("requirements-go.lock", [Requirement(text) for text in groups["go"]], follow=False)
    lines += complaints("requirements-checkov.lock", [Requirement(text) for text in groups["checkov"]], follow=False)
    for name in ("peers", "peers-mlserver"):
        lines += complaints(f"requirements-{name}.lock", [Requirement(text) for text in groups[name]], follow=False)
    lines += complaints("requirements-uv.lock", [r for r in asked if r.name == "uv"], follow=False)
    print("\n".join(lines) or "locks are fresh")
    if lines:
        print("\nhint: run `make lock`")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
