"""Children die with their parent, end in good time, and say how they ended."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from serving.twin.process import describe_exit, free_ports, kill_orphans, log_tail, start_child, stop_child
from tests.serving.waiting import is_gone, wait_for

PARENT = """
import asyncio, os, sys
from pathlib import Path
from serving.twin.process import start_child

async def main():
    folder = Path(sys.argv[1])
    child = await start_child(["sleep", "600"], log=folder / "log", environment=os.environ, folder=folder)
    print(child.pid, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_a_child_dies_with_its_parent_however_that_dies(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PARENT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    child = int(done.stdout)
    wait_for(lambda: is_gone(child), what="the end of the child")


def test_a_child_that_ignores_sigterm_is_killed_with_all_below_it(tmp_path: Path) -> None:
    async def scenario() -> tuple[int, int]:
        script = "trap '' TERM; sleep 600 & echo $! > grandchild; wait; wait"
        child = await start_child(["bash", "-c", script], log=tmp_path / "log", environment=os.environ, folder=tmp_path)
        while not (tmp_path / "grandchild").exists() or not (tmp_path / "grandchild").read_text().strip():
            await asyncio.sleep(0.02)
        await stop_child(child, within_s=0.3)
        await stop_child(child, within_s=0.3)
        assert child.returncode is not None
        return child.returncode, int((tmp_path / "grandchild").read_text())

    returncode, grandchild = asyncio.run(scenario())
    assert describe_exit(returncode) == "killed by SIGKILL"
    wait_for(lambda: is_gone(grandchild), what="the end of the grandchild")


def test_what_a_child_left_behind_is_killed(tmp_path: Path) -> None:
    async def scenario() -> int:
        script = "sleep 600 & echo $!; exit 1"
        child = await start_child(["bash", "-c", script], log=tmp_path / "log", environment=os.environ, folder=tmp_path)
        assert await child.wait() == 1
        orphan = int((tmp_path / "log").read_text())
        assert not is_gone(orphan)
        kill_orphans(child)
        return orphan

    orphan = asyncio.run(scenario())
    wait_for(lambda: is_gone(orphan), what="the end of the orphan")


def test_output_goes_to_the_log_and_its_errors_come_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        command = ["bash", "-c", "echo fine; echo an error; echo fine again >&2; exit 3"]
        child = await start_child(command, log=tmp_path / "logs/log", environment=os.environ, folder=tmp_path)
        assert describe_exit(await child.wait()) == "exit code 3"

    asyncio.run(scenario())
    log = tmp_path / "logs/log"
    assert log.read_text() == "fine\nan error\nfine again\n"
    assert log_tail(log) == "an error"
    assert log_tail(log, begin=len("fine\nan error\n")) == "fine again"
    assert log_tail(tmp_path / "absent") == ""


def test_free_ports_can_be_bound_and_are_different() -> None:
    ports = free_ports(1000)
    assert len(set(ports)) == 1000
    assert all(1024 < port < 65536 for port in ports)
