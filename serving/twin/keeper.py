"""Keeps one child process running: starts it, waits until it is ready, notices its end, starts it again."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from model.errors import UserError
from serving.twin.process import describe_exit, kill_child, kill_orphans, stop_child
from serving.twin.status import Health, ProcessStatus

FIRST_BACKOFF_S = 0.2
LAST_BACKOFF_S = 10.0
_LOOK_EVERY_S = 0.25
_CALM_S = 30.0
"""After so long without an end the backoff starts over."""


class Program(Protocol):
    """What is kept running."""

    name: str

    async def start(self) -> Process:
        """Start the process and return when it is ready; end it and raise when it does not get ready."""
        ...

    def complaint(self) -> str:
        """Why a process that still runs is no good any more; empty while it is."""
        ...

    async def stopped(self) -> None:
        """Clean up after a process that is gone."""
        ...


class Keeper:
    """Owns the process of one program.

    `start` must succeed once; from then on an unwanted end is reported and the process started again, with a pause
    that doubles from 0.2 s to 10 s, until `stop`.
    """

    def __init__(
        self, program: Program, *, report: Callable[[str], None], restarted: Callable[[], Awaitable[None]]
    ) -> None:
        self.program = program
        self.health: Health = "starting"
        self.was_ready = False
        self.restarts = 0
        self.last_exit: str | None = None
        self._report = report
        self._restarted = restarted
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the living process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def status(self) -> ProcessStatus:
        """A snapshot."""
        return ProcessStatus(
            name=self.program.name, health=self.health, pid=self.pid, restarts=self.restarts, last_exit=self.last_exit
        )

    async def start(self) -> None:
        """Start for the first time; whatever the program raises comes out."""
        self._process = await self.program.start()
        self.health, self.was_ready = "ready", True
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def stop(self, *, within_s: float | None) -> None:
        """End the process for good; a start in progress is broken off.

        Args:
            within_s: how long it may take to end in good order; None ends it at once.
        """
        self.health = "stopped"
        if self._watch:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        if self._process and within_s is None:
            await kill_child(self._process)
        elif self._process and within_s is not None:
            await stop_child(self._process, within_s=within_s)
        await self.program.stopped()

    async def _keep(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        clock = asyncio.get_running_loop().time
        while True:
            assert self._process is not None
            begun = clock()
            self.last_exit = await self._end_of(self._process)
            self.health = "crashed"
            self._report(f"{self.program.name} is down: {self.last_exit}")
            await self.program.stopped()
            if clock() - begun > _CALM_S:
                backoff_s = FIRST_BACKOFF_S
            backoff_s = await self._start_again(backoff_s)

    async def _end_of(self, process: Process) -> str:
        """How the process ended; one that is no good any more is ended here."""
        ending = asyncio.create_task(process.wait())
        try:
            while not (await asyncio.wait([ending], timeout=_LOOK_EVERY_S))[0]:
                if complaint := self.program.complaint():
                    await kill_child(process)
                    return complaint
            kill_orphans(process)
            return describe_exit(ending.result())
        finally:
            ending.cancel()

    async def _start_again(self, backoff_s: float) -> float:
        """Try until it is ready; the pause before the next try."""
        while True:
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)
            self.health = "starting"
            try:
                self._process = await self.program.start()
            except (UserError, TimeoutError, OSError) as error:
                self.health = "crashed"
                self._report(f"{self.program.name} cannot be started again: {error}")
                continue
            self.restarts += 1
            self.health = "ready"
            self._report(f"{self.program.name} runs again (restart {self.restarts})")
            await self._restarted()
            return backoff_s
