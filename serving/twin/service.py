"""The supervisor as a process: answers on the control socket until it is told to stop.

python -m serving.twin.service FOLDER      (what `twin_up` runs in the background; it prints its pid)
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from model.errors import UserError
from serving.twin.control import Verb, serve_control
from serving.twin.paths import TwinPaths
from serving.twin.settings import TwinSettings
from serving.twin.snapshot import snapshot
from serving.twin.state import supervisor_lock
from serving.twin.status import TwinStatus
from serving.twin.supervisor import Supervisor

_ADMIN_TIMEOUT_S = 2.0


async def serve(settings: TwinSettings, on_ready: Callable[[TwinStatus], None]) -> None:
    """Bring the twin up and keep it up until `stop`, SIGTERM or SIGINT.

    Raises:
        UserError: it cannot come up.
    """
    timeout = aiohttp.ClientTimeout(total=_ADMIN_TIMEOUT_S)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # An idle connection of ours would keep Triton waiting on SIGTERM.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        supervisor = Supervisor(settings, session)
        control = _Control(supervisor, stop)
        server = await serve_control(TwinPaths(folder=settings.folder).socket, control.handle)
        try:
            if await _finished_before(supervisor.up(), stop):
                control.phase = "ready"
                on_ready(await snapshot(supervisor, control.phase))
                await stop.wait()
        finally:
            control.phase = "stopping"
            await supervisor.down()
            server.close()
            TwinPaths(folder=settings.folder).state.unlink(missing_ok=True)


class _Control:
    """Verbs of the control protocol -> the supervisor's methods."""

    def __init__(self, supervisor: Supervisor, stop: asyncio.Event) -> None:
        self.phase: Any = "starting"
        self._supervisor, self._stop = supervisor, stop

    async def handle(self, verb: Verb, arguments: dict[str, Any]) -> dict[str, Any]:
        if verb == "stop":
            self._stop.set()
            return {"pid": os.getpid()}
        if verb != "status" and self.phase != "ready":
            raise UserError(f"the twin is {self.phase}", hint="wait until `twin status` says ready")
        if verb == "refresh":
            return {"versions": await self._supervisor.refresh(Path(arguments["path"]))}
        if verb == "rotate":
            return {"done": await self._supervisor.rotate(arguments["what"])}
        if verb == "reconcile":
            await self._supervisor.reconcile()
        return (await snapshot(self._supervisor, self.phase)).model_dump(mode="json")


async def _finished_before(work: Any, stop: asyncio.Event) -> bool:  # noqa: ANN401
    """Do the work unless told to stop first; whether it was done."""
    working, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def main(folder: Path) -> None:
    """Leave the terminal, then serve; a failure to come up is left in `failure.json`."""
    paths = TwinPaths(folder=folder)
    settings = TwinSettings.model_validate_json(paths.settings.read_text())
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        os._exit(0)
    os.setsid()
    with paths.log("supervisor").open("ab") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        with supervisor_lock(folder):
            asyncio.run(serve(settings, lambda status: logging.info("ready at %s", status.url)))
    except (UserError, TimeoutError, OSError) as error:
        hint = error.hint if isinstance(error, UserError) else f"the supervisor's log is `{paths.log('supervisor')}`"
        paths.failure.write_text(json.dumps({"error": str(error.args[0]), "hint": hint}))
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
