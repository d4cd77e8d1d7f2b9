"""A keeper of small real processes: restarts with a growing pause, breaks off, and stops for good."""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from model.errors import UserError
from serving.twin.keeper import Keeper
from serving.twin.process import start_child
from serving.twin.waiting import until


class Script:
    """A shell script as a program."""

    name = "script"

    def __init__(self, folder: Path, script: str) -> None:
        self.folder, self.script = folder, script
        self.starts: list[float] = []
        self.failing = False
        self.words = ""

    async def start(self) -> Process:
        self.starts.append(asyncio.get_running_loop().time())
        if self.failing:
            raise UserError("cannot start")
        command = ["bash", "-c", self.script]
        return await start_child(command, log=self.folder / "log", environment=os.environ, folder=self.folder)

    def complaint(self) -> str:
        return self.words

    async def stopped(self) -> None:
        """Nothing to clean up."""


def run(tmp_path: Path, script: str, scenario: Callable[[Keeper, Script, list[str]], Awaitable[None]]) -> None:
    async def whole() -> None:
        program, events = Script(tmp_path, script), list[str]()
        keeper = Keeper(program, report=events.append, restarted=lambda: asyncio.sleep(0))
        try:
            await scenario(keeper, program, events)
        finally:
            await keeper.stop(within_s=1.0)
        assert keeper.pid is None
        assert keeper.health == "stopped"

    asyncio.run(whole())


def restarts(keeper: Keeper, number: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return keeper.restarts >= number

    return reached


def test_a_process_that_ends_again_and_again_is_started_with_growing_pauses(tmp_path: Path) -> None:
    async def scenario(keeper: Keeper, program: Script, events: list[str]) -> None:
        await keeper.start()
        await until(restarts(keeper, 3), within_s=60, what="three restarts")
        pauses_s = [later - earlier for earlier, later in zip(program.starts, program.starts[1:], strict=False)]
        assert pauses_s[0] >= 0.2
        assert pauses_s[1] >= 0.4
        assert pauses_s[2] >= 0.8
        assert keeper.last_exit == "exit code 7"
        assert "script is down: exit code 7" in events

    run(tmp_path, "exit 7", scenario)


def test_a_restart_that_fails_is_tried_again(tmp_path: Path) -> None:
    async def scenario(keeper: Keeper, program: Script, events: list[str]) -> None:
        await keeper.start()
        program.failing = True
        assert keeper.pid is not None
        os.kill(keeper.pid, 9)

        async def tried_twice() -> bool:
            return len(program.starts) >= 3

        await until(tried_twice, within_s=60, what="two more tries")
        assert keeper.restarts == 0
        program.failing = False
        await until(restarts(keeper, 1), within_s=60, what="the restart")
        assert (keeper.health, keeper.last_exit) == ("ready", "killed by SIGKILL")
        assert "script cannot be started again: cannot start" in events

    run(tmp_path, "sleep 600", scenario)


def test_a_process_that_is_no_good_any_more_is_ended_and_started_again(tmp_path: Path) -> None:
    async def scenario(keeper: Keeper, program: Script, events: list[str]) -> None:
        await keeper.start()
        before = keeper.pid
        program.words = "it went mad"

        async def seen() -> bool:
            return keeper.last_exit == "it went mad"

        await until(seen, within_s=60, what="the complaint")
        program.words = ""
        await until(restarts(keeper, 1), within_s=60, what="the restart")
        assert keeper.pid not in (None, before)
        assert "script is down: it went mad" in events

    run(tmp_path, "sleep 600", scenario)


def test_a_first_start_that_fails_comes_out(tmp_path: Path) -> None:
    async def scenario(keeper: Keeper, program: Script, events: list[str]) -> None:
        program.failing = True
        with pytest.raises(UserError, match="cannot start"):
            await keeper.start()
        assert not keeper.was_ready

    run(tmp_path, "sleep 600", scenario)
