"""The runtime's command line given to a real Triton: it starts, predicts, and keeps its administration closed."""

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from infra.kserve import probe
from infra.kserve.triton_pod import GRPC_PORT, HTTP_PORT, METRICS_PORT, MODELS, TritonPod, triton_flags
from model.contract import read_contract
from serving.twin.paths import TritonInstallation, find_triton
from serving.twin.process import free_port
from serving.twin.triton import Repository, TritonLaunch, TritonPorts, link_backends
from tests.model.served_model import NAME, make_served_model

UID = "0f5e2a1c-pod-uid-of-the-test"
NEWER = {"--http-max-input-size", "--grpc-max-response-pool-size"}
"""Options of the shipped image that the Triton of the tests, a year older, does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    url: str
    repository: Path

    def get(self, path: str, **headers: str) -> int:
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=10).status_code


def _known(launch: TritonLaunch) -> set[str]:
    done = subprocess.run(
        [str(launch.installation.binary), "--help"],
        env=launch.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return set(re.findall(r"--[a-z-]+", done.stdout + done.stderr))


def _flags(launch: TritonLaunch, grpc_port: int) -> list[str]:
    """The runtime's flags, moved to free ports and another folder."""
    moved = {
        f"={MODELS}": f"={launch.repository.path}",
        f"http-port={HTTP_PORT}": f"http-port={launch.ports.http}",
        f"grpc-port={GRPC_PORT}": f"grpc-port={grpc_port}",
        f"metrics-port={METRICS_PORT}": f"metrics-port={launch.ports.metrics}",
        "$(POD_UID)": UID,
    }
    known = _known(launch)
    flags = []
    for flag in triton_flags(TritonPod(), gpus=0, max_body_bytes=65536):
        if flag.partition("=")[0] in known:
            for old, new in moved.items():
                flag = flag.replace(old, new)
            flags.append(flag)
    return flags


def _launch(installation: TritonInstallation, repository: Path, folder: Path) -> TritonLaunch:
    return TritonLaunch(
        repository=Repository(version="v1", digest="", path=repository, contract=read_contract(repository)),
        ports=TritonPorts.free(),
        installation=installation,
        backends=link_backends(installation, folder / "backends"),
        embeddings=folder / "embeddings",
        http_threads=4,
    )


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> TritonLaunch:
    folder = tmp_path_factory.mktemp("flags")
    return _launch(find_triton(), make_served_model(folder / "model").repository, folder)


@pytest.fixture(scope="module")
def running(launch: TritonLaunch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("log") / "triton.log"
    loopback = [f"--{name}-address=127.0.0.1" for name in ("http", "grpc", "metrics")]
    shared_memory = f"--backend-config=python,shm-region-prefix-name={launch.shared_memory_prefix}"
    command = [str(launch.installation.binary), *_flags(launch, free_port()), *loopback, shared_memory]
    command.append(f"--backend-directory={launch.backends}")
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=log.parent, env=launch.environment())
    try:
        address = f"127.0.0.1:{launch.ports.http}"
        deadline = time.monotonic() + 60
        while not probe.check("alive", address, str(launch.repository.path)):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.1)
        yield Running(url=f"http://{address}", repository=launch.repository.path)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_tests_triton_knows_all_but_the_newest_options(launch: TritonLaunch) -> None:
    flags = {flag.partition("=")[0] for flag in triton_flags(TritonPod(), gpus=0, max_body_bytes=1)}
    assert flags - _known(launch) == NEWER


def test_it_starts_and_predicts(running: Running) -> None:
    address = running.url.removeprefix("http://")
    assert probe.check("answers", address, str(running.repository))
    assert running.get("/v2/health/ready") == 200
    assert running.get(f"/v2/models/{NAME}") == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/v2/models/{NAME}/stats",
        "/v2/models/stats",
        f"/v2/models/{NAME}/config",
        "/v2/systemsharedmemory/status",
        "/v2/cudasharedmemory/status",
        "/v2/trace/setting",
        "/v2/logging",
    ],
)
def test_administration_is_closed_but_to_who_knows_the_pod(running: Running, path: str) -> None:
    assert running.get(path) == 403
    assert running.get(path, **{"x-stillhouse-pod": "guess"}) == 403


def test_the_repository_is_closed(running: Running) -> None:
    for call in ("/v2/repository/index", f"/v2/repository/models/{NAME}/unload"):
        assert httpx.post(f"{running.url}{call}", json={}, timeout=10).status_code == 403
    assert running.get("/v2/health/ready") == 200


def test_the_key_is_the_pods_uid(running: Running) -> None:
    assert running.get(f"/v2/models/{NAME}/stats", **{"x-stillhouse-pod": UID}) == 200
