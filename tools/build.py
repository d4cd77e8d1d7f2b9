"""Builds pinned programs into `.tools/bin` where their pins changed: `python -m tools.build [NAME ...]`.

Without names those of the cluster tests; `scripts/setup` names Prometheus where no package has it.
"""

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import UserError
from tools.folders import BIN, PROGRAMS
from tools.go import go_command, go_environment

_TOOL = re.compile(r"^(?:tool )?\t?(?P<package>[^\s()]+/\S+)$")
_BUILD = ("build", "-trimpath")
_NAMES = {
    "go.etcd.io/etcd/server/v3": "etcd",
    "sigs.k8s.io/karpenter/kwok": "karpenter",
    "github.com/kserve/kserve/cmd/manager": "kserve",
    "github.com/kedacore/keda/v2/cmd/operator": "keda",
}
"""Package -> name of its program, where the last part of the path does not say it."""
_TAGS = {"prometheus": ("remove_all_sd",)}
"""Folder -> build tags: without the clouds' clients Prometheus is built in a fraction of the time."""
_ONLY_BY_NAME = {"prometheus"}
"""Folders whose programs the cluster tests do not need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program of one pinned module."""

    name: str
    package: str
    folder: Path
    """Holds the go.mod that pins it."""

    @property
    def path(self) -> Path:
        """Where it is built to."""
        return BIN / self.name

    @property
    def is_fresh(self) -> bool:
        """Whether the built program is of these pins."""
        stamp = BIN / f".{self.name}.digest"
        return self.path.exists() and stamp.exists() and stamp.read_text() == digest(self.folder)


def programs() -> dict[str, Program]:
    """Every program that the pinned modules name, by its own name."""
    found = [
        Program(name=_NAMES.get(package, package.rpartition("/")[2]), package=package, folder=folder)
        for folder in PROGRAMS.values()
        for package in tool_packages((folder / "go.mod").read_text())
    ]
    return {program.name: program for program in found}


def tool_packages(go_mod: str) -> list[str]:
    """The packages in the `tool` lines of a go.mod."""
    block = re.search(r"^tool \(\n(.*?)^\)", go_mod, re.MULTILINE | re.DOTALL)
    lines = block[1].splitlines() if block else re.findall(r"^tool .*$", go_mod, re.MULTILINE)
    return [match["package"] for line in lines if (match := _TOOL.match(line))]


def digest(folder: Path) -> str:
    """What a built program depends on: the pins, the checksums and the flags."""
    pins, sums = ((folder / name).read_text() for name in ("go.mod", "go.sum"))
    return hashlib.sha256("\0".join([pins, sums, *_BUILD, *_tags(folder), linker_flags(pins)]).encode()).hexdigest()


def linker_flags(go_mod: str) -> str:
    """Without symbols; Kubernetes' programs must be told their version, which their own scripts take from git."""
    match = re.search(r"k8s\.io/kubernetes v(\d+)\.(\d+)\.(\d+)", go_mod)
    if match is None:
        return "-s -w"
    version = "k8s.io/component-base/version"
    major, minor, patch = match.groups()
    facts = {"gitVersion": f"v{major}.{minor}.{patch}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(["-s", "-w", *(f"-X {version}.{key}={value}" for key, value in facts.items())])


def _tags(folder: Path) -> list[str]:
    tags = _TAGS.get(folder.name)
    return ["-tags", ",".join(tags)] if tags else []


def wanted(names: Sequence[str]) -> list[Program]:
    """The named programs; without names all that the cluster tests need. Raises `UserError` for an unknown name."""
    found = programs()
    if not names:
        return [program for program in found.values() if program.folder.name not in _ONLY_BY_NAME]
    for name in names:
        if name not in found:
            raise UserError(f"no program {name}", hint=f"there are {', '.join(sorted(found))}")
    return [found[name] for name in names]


def build(program: Program, go: Path) -> float:
    """Seconds that the build took. Raises `UserError` with the compiler's words."""
    began = time.monotonic()
    flags = linker_flags((program.folder / "go.mod").read_text())
    BIN.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(go), *_BUILD, *_tags(program.folder), "-ldflags", flags, "-o", str(program.path), program.package],
        cwd=program.folder,
        env=go_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise UserError(
            f"cannot build {program.name} from {program.package}:\n{done.stderr.strip()[-2000:]}",
            hint="the first build downloads Go modules: let Go reach its proxy (`go env GOPROXY`), then try again",
        )
    (BIN / f".{program.name}.digest").write_text(digest(program.folder))
    return time.monotonic() - began


def main(names: Sequence[str]) -> int:
    """Build what is stale; 1 with an error and a hint where that cannot be done."""
    try:
        stale = [program for program in wanted(names) if not program.is_fresh]
        if not stale:
            return 0
        print(f"building {', '.join(program.name for program in stale)} (the first time some minutes on 2 cores each)")
        go = go_command()
        for program in stale:
            print(f"  {program.name}: {build(program, go):.0f} s", flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
