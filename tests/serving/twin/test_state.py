"""Who holds a twin's folder, and which of its processes still run."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from serving.twin.state import is_supervised, living, supervisor_lock, write_state


def test_the_state_names_the_living(tmp_path: Path) -> None:
    assert living(tmp_path / "state.json") == []
    done = subprocess.run(["true"], check=True)
    assert done.returncode == 0
    write_state(tmp_path / "state.json", {"self": os.getppid(), "down": None})
    assert {process.pid for process in living(tmp_path / "state.json")} == {os.getpid(), os.getppid()}


def test_a_folder_has_one_supervisor(tmp_path: Path) -> None:
    assert not is_supervised(tmp_path)
    with supervisor_lock(tmp_path):
        assert is_supervised(tmp_path)
        with pytest.raises(BlockingIOError), supervisor_lock(tmp_path):
            pass
    assert not is_supervised(tmp_path)


def test_the_folder_is_free_again_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from serving.twin.state import supervisor_lock\n"
        "with supervisor_lock(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_supervised(tmp_path)
        psutil.Process(holder.pid).kill()
        holder.wait()
    assert not is_supervised(tmp_path)
