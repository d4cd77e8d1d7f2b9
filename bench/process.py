"""Programs that live as long as a block: started with a log, ended with all their children, processor time counted."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil

from model.errors import UserError
from serving.twin.process import describe_exit, die_with, log_tail

_POLL_S = 0.02
_END_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One that runs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    started_s: float
    """By `time.monotonic`, just before it."""

    def processor_s(self) -> float:
        """Processor time so far of the program itself, threads that ended included, to the nanosecond."""
        return time.clock_gettime(_processor_clock(self.process.pid))

    def wait_until(self, condition: Callable[[], bool], within_s: float, poll_s: float = _POLL_S) -> None:
        """Return when it is as wanted.

        Raises:
            UserError: it ended, or is not in time; with the end of its log.
        """
        deadline = time.monotonic() + within_s
        while not condition():
            ended = self.process.poll()
            if ended is not None or time.monotonic() > deadline:
                why = describe_exit(ended) if ended is not None else f"not ready within {within_s:g} s"
                raise UserError(
                    f"{self.name} did not come up: {why}\n{log_tail(self.log)}", hint=f"its whole log is `{self.log}`"
                )
            time.sleep(poll_s)


@contextmanager
def running(
    name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Run `command` in `folder`, with its output in `<folder>/<name>.log`; the kernel ends it should we die."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    prepare = partial(die_with, os.getpid(), signal.SIGKILL, ctypes.CDLL(None))
    started_s = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=dict(environment or os.environ),
            preexec_fn=prepare,
        )
    try:
        yield Program(name=name, process=process, log=log, started_s=started_s)
    finally:
        _end(process)


def answers(url: str, **request: object) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False, **request).status_code == 200  # type: ignore[arg-type]
    except httpx.HTTPError:
        return False


def _processor_clock(pid: int) -> int:
    """Linux's number of a process's own clock, as `clock_getcpuclockid` makes it; psutil's counts hundredths."""
    return (~pid << 3) | 2


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL for whoever of the family is left."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)
    process.kill()
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
    psutil.wait_procs(family, timeout=_END_S)
