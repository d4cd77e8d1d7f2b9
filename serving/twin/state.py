"""Which processes belong to a twin, on disk: what a killed supervisor left behind can be found and ended."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

_LOCK = "supervisor.lock"


def write_state(path: Path, children: Mapping[str, int | None]) -> None:
    """Note the supervisor (this process) and its living children, each with its start time."""
    pids = {"supervisor": os.getpid(), **{name: pid for name, pid in children.items() if pid is not None}}
    entries = {}
    for name, pid in pids.items():
        with contextlib.suppress(psutil.Error):
            entries[name] = {"pid": pid, "started": psutil.Process(pid).create_time()}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(entries, indent=1))
    draft.replace(path)


def living(path: Path) -> list[psutil.Process]:
    """The processes of the state file that still run; one that merely has the same pid does not count."""
    try:
        entries = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    found = []
    for entry in entries.values():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(entry["pid"])
            if abs(process.create_time() - entry["started"]) < 0.05 and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_leftovers(path: Path, *, within_s: float = 5.0) -> list[int]:
    """End what runs on without its supervisor; the pids that were ended."""
    left = living(path)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                end(process)
        _, alive = psutil.wait_procs(left, timeout=within_s)
        if not alive:
            break
    path.unlink(missing_ok=True)
    return [process.pid for process in left]


@contextmanager
def supervisor_lock(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the kernel lets go when the process ends, however it ends.

    Raises:
        BlockingIOError: another supervisor holds it.
    """
    with (folder / _LOCK).open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def is_supervised(folder: Path) -> bool:
    """Whether a supervisor holds the folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with supervisor_lock(folder):
            return False
    except BlockingIOError:
        return True
