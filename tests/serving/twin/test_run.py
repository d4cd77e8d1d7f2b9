"""Up, down and what lies between: the processes of a twin come and go together."""

import json
import os
import signal
import socket
import subprocess
from functools import partial
from pathlib import Path

import psutil
import pytest

from model.errors import UserError
from serving.release_verbs import canary, promote
from serving.twin.paths import TwinPaths
from serving.twin.run import twin_down, twin_status, twin_up
from serving.twin.settings import TwinSettings
from serving.twin.status import TwinStatus
from tests.serving.fake_repository import Behaviour
from tests.serving.stage import Stage
from tests.serving.waiting import is_gone, wait_for


def family(status: TwinStatus) -> list[int]:
    """The supervisor and all below it, the model's own processes included."""
    supervisor = psutil.Process(status.pid)
    return [supervisor.pid, *(child.pid for child in supervisor.children(recursive=True))]


def test_up_serves_and_down_leaves_nothing_running(own: Stage) -> None:
    status = own.up()
    assert status.phase == "ready"
    silent = status.versions[0]
    assert (silent.requests, silent.share, silent.error_share, silent.p50_ms) == (0, None, None, None)
    assert own.served_by(20) == {"v1": 20}
    pids = family(status)
    assert len(pids) >= 4  # supervisor, Envoy, Triton, the model's process
    with pytest.raises(UserError, match="is up already"):
        own.up()
    twin_down(own.folder)
    assert [pid for pid in pids if not is_gone(pid)] == []
    with pytest.raises(UserError, match="not up: it was not started, or it was stopped"):
        twin_status(own.folder)
    twin_down(own.folder)
    assert not list(Path("/dev/shm").glob(f"stillhouse_{status.versions[0].port}_*"))


def test_a_killed_supervisor_leaves_nothing_running_and_up_starts_anew(own: Stage) -> None:
    first = own.up()
    pids = family(first)
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: all(is_gone(pid) for pid in pids), what="the end of the children")
    with pytest.raises(UserError, match="its supervisor was killed"):
        twin_status(own.folder)
    token = own.issuer.mint()
    second = own.up()
    assert second.pid != first.pid
    with own.http(token) as http:
        assert http.get("/v2/models/churn/ready").status_code == 200


def test_what_a_killed_supervisor_left_behind_is_ended_by_down(own: Stage) -> None:
    """A process that outlived its parent all the same; another one that only got the same pid is left alone."""
    own.folder.mkdir()
    script = "for i in 1 2; do sleep 600 >/dev/null 2>&1 & echo $!; done"
    left, other = map(int, subprocess.check_output(["bash", "-c", script], text=True).split())
    entries = {
        "triton-v1": {"pid": left, "started": psutil.Process(left).create_time()},
        "triton-v2": {"pid": other, "started": psutil.Process(other).create_time() - 100},
    }
    paths = TwinPaths(folder=own.folder)
    paths.state.write_text(json.dumps(entries))
    try:
        twin_down(own.folder)
        assert is_gone(left)
        assert not is_gone(other)
        assert not paths.state.exists()
    finally:
        os.kill(other, signal.SIGKILL)


def test_a_stable_version_that_cannot_come_up_ends_up_with_its_own_words(own: Stage) -> None:
    own.add_version("v2", Behaviour(load_error=True))
    with pytest.raises(UserError, match=r"(?s)triton-v2 did not come up.*told not to load.*whole log is"):
        own.up("v2")
    with pytest.raises(UserError, match="not up"):
        twin_status(own.folder)


def test_a_candidate_that_cannot_come_up_leaves_the_stable_version_serving(own: Stage) -> None:
    own.add_version("v2", Behaviour(load_error=True))
    own.do(partial(promote, version="v1"))
    own.do(partial(canary, version="v2", weight=50))
    status = own.up()
    assert status.release == "v1 100 %"
    assert status.last_error is not None
    assert "triton-v2 did not come up" in status.last_error


def test_a_port_that_is_taken_is_named(own: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own.settings["port"] = taken.getsockname()[1]
        with pytest.raises(UserError, match=r"(?s)envoy did not come up.*Address already in use"):
            own.up()


def test_mistakes_are_found_before_anything_starts(own: Stage, tmp_path: Path) -> None:
    settings = TwinSettings(folder=own.folder, release_path=tmp_path / "absent.yaml", root=tmp_path)
    with pytest.raises(UserError, match="cannot read the release file"):
        twin_up(settings)
    with pytest.raises(UserError, match="no Triton in"):
        twin_up(settings.model_copy(update={"triton_environment": tmp_path}))
    with pytest.raises(UserError, match="no Envoy at"):
        twin_up(settings.model_copy(update={"envoy_binary": tmp_path / "envoy"}))
    assert not (own.folder / "supervisor.lock").exists()


def test_a_long_path_is_no_obstacle(own: Stage) -> None:
    """A unix socket's address holds 107 bytes."""
    own.root = own.root / ("long" * 30)
    own.root.mkdir()
    own.release = own.release.model_copy(update={"versions": {}})
    own.add_version("v1")
    try:
        assert own.up().phase == "ready"
    finally:
        own.close()
