"""A server program of a test: started with a log, ended by its own process id whatever happens."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.serving.waiting import wait_for

STOP_SECONDS = 20


class Child:
    """One running program."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                # Nothing of the caller's environment reaches the servers: no proxy, no kubeconfig of a real cluster.
                env={"PATH": os.defpath, "HOME": str(log.parent), **environment},
            )

    def wait_until(self, condition: Callable[[], bool], *, within_s: float, what: str) -> None:
        """Until the condition holds; fails at once, with the log's end, where the program has ended."""

        def held() -> bool:
            assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}"
            return condition()

        try:
            wait_for(held, within_s=within_s, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.name} said:\n{self.log_tail()}") from None

    def log_tail(self, num_characters: int = 3000) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-num_characters:]

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(
    name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """The program, until the block ends."""
    child = Child(name, command, log=folder / f"{name}.log", environment=environment or {})
    try:
        yield child
    finally:
        child.stop()


def answers(url: str, *, verify: str | bool = True) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return httpx.get(url, verify=verify, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
