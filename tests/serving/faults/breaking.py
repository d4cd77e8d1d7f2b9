"""Ways to break what a conductor works with, each at a real boundary: a signal, a file, a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.serving.faults.night import Night

_KILLING_HOOK = """#!/bin/sh
# git has just moved HEAD: whoever runs it dies before it can do anything more.
if [ "$1" = committed ] && grep -q HEAD; then
    rm -- "$0"
    kill -9 "$(awk '{ print $4 }' "/proc/$PPID/stat")"
fi
"""


def kill_at_the_next_commit(checkout: Path) -> None:
    """Whoever commits next is killed when HEAD has moved, and nothing was done about it yet."""
    hook = checkout / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_KILLING_HOOK)
    hook.chmod(0o755)


def run_conductor(night: Night) -> subprocess.CompletedProcess[str]:
    """A conductor in a process of its own, to its end."""
    program = (
        "import sys; from pathlib import Path\n"
        "from serving.conductor.conducting import Conductor\n"
        "from serving.conductor.twin_plane import TwinPlane\n"
        "Conductor(path=Path(sys.argv[1]), plane=TwinPlane(folder=Path(sys.argv[2]), scrape_interval_s=0.5)).run()"
    )
    command = [sys.executable, "-c", program, str(night.release_path), str(night.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def run_verb(night: Night, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`stillhouse release ...` in a process of its own, to its end."""
    where = ("--endpoint", "churn", "--run", str(night.root))
    command = [sys.executable, "-c", "from cli.main import main; main()", "release", *arguments, *where]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


@contextmanager
def gone_and_down(night: Night, version: str) -> Iterator[None]:
    """A version whose process ended, and cannot come up again because its files are away."""
    home, away = night.root / version, night.root / f"{version}-away"
    home.rename(away)
    try:
        os.kill(night.pid(version), signal.SIGKILL)
        yield
    finally:
        away.rename(home)
