"""Child processes that die with their parent, write to a log file, and end in good time."""

import asyncio
import ctypes
import os
import secrets
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_TELLING = ("rror", "critical", "cannot")
_CALLERS_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST_PORT = 10_000
_PORT_TRIES = 1000


async def start_child(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    on_parent_death: signal.Signals = signal.SIGTERM,
) -> asyncio.subprocess.Process:
    """Start a program that the kernel ends when this process dies, however it dies, in a group of its own.

    Args:
        command: program and arguments.
        log: its output is added to this file.
        environment: all of its environment.
        folder: its working folder.
        on_parent_death: the signal it gets then.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    prepare = partial(die_with, os.getpid(), on_parent_death, ctypes.CDLL(None))
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            cwd=folder,
            preexec_fn=prepare,
            process_group=0,
        )


async def stop_child(process: asyncio.subprocess.Process, *, within_s: float) -> None:
    """SIGTERM, and SIGKILL when that is not enough."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), within_s)
    except TimeoutError:
        process.kill()
        await process.wait()
    kill_orphans(process)


async def kill_child(process: asyncio.subprocess.Process) -> None:
    """SIGKILL for the process and all below it."""
    if process.returncode is not None:
        return
    process.kill()
    await process.wait()
    kill_orphans(process)


def kill_orphans(process: asyncio.subprocess.Process) -> None:
    """SIGKILL for what a process that has just ended left: Triton, when killed, may leave the one that runs a model."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def describe_exit(returncode: int) -> str:
    """`exit code 1` or `killed by SIGKILL`."""
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def log_tail(log: Path, *, begin: int = 0, num_lines: int = 8) -> str:
    """The last lines of a log from byte `begin` on: the ones that tell of an error before all others."""
    try:
        with log.open("rb") as stream:
            stream.seek(begin)
            lines = [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    telling = [line for line in lines if line.startswith("E") or any(word in line for word in _TELLING)]
    return "\n".join((telling or lines)[-num_lines:])


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago; who binds it must be ready to try another."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """That many different ports of 127.0.0.1, out of the range from which the kernel takes callers' own ports."""
    with ExitStack() as held:
        probes = [held.enter_context(_bound()) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]


def _bound() -> socket.socket:
    """A socket on a port that was free; a caller's port could take one of the kernel's choice before its owner does."""
    above = int(_CALLERS_PORTS.read_text().split()[0]) if _CALLERS_PORTS.exists() else _LOWEST_PORT
    for _ in range(_PORT_TRIES):
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", secrets.choice(range(_LOWEST_PORT, above)) if above > _LOWEST_PORT else 0))
        except OSError:
            probe.close()
        else:
            return probe
    raise OSError(f"no free port of 127.0.0.1 below {above} in {_PORT_TRIES} tries")


def die_with(parent: int, number: signal.Signals, libc: ctypes.CDLL) -> None:
    """For `preexec_fn`: runs in the child before the program does, and lets the kernel end it with its parent.

    The parent may have died before the kernel was told.
    """
    libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
