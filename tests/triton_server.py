"""Starts the real Triton on the loopback for tests, from the environment `.triton` at the checkout's root."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from model.contract import read_contract
from serving.twin.paths import find_triton
from serving.twin.triton import Repository, TritonLaunch, TritonPorts, link_backends

READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonServer:
    """A running server."""

    url: str
    metrics_url: str
    grpc_url: str
    process: subprocess.Popen[bytes]
    log: Path

    def metric(self, name: str, label: str = "") -> float:
        """Sum of a metric over its series, or over those with a label such as `le="0.5"`."""
        lines = httpx.get(f"{self.metrics_url}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{") and label in line)


@contextmanager
def triton_server(
    repository: Path, model_name: str, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[TritonServer]:
    """Serve `repository` as the twin does, until the block ends; `folder` takes the log and the backend."""
    installation = find_triton()
    launch = TritonLaunch(
        repository=Repository(version="v1", digest="", path=repository, contract=read_contract(repository)),
        ports=TritonPorts.free(),
        installation=installation,
        backends=link_backends(installation, folder / "backends"),
        embeddings=folder / "embeddings",
        http_threads=8,
    )
    log = folder / "triton.log"
    variables = launch.environment() | (environment or {})
    with log.open("wb") as stream:
        process = subprocess.Popen(launch.command(), stdout=stream, stderr=stream, cwd=folder, env=variables)
    try:
        url = f"http://127.0.0.1:{launch.ports.http}"
        _wait_until_ready(f"{url}/v2/models/{model_name}/ready", process, log)
        metrics_url = f"http://127.0.0.1:{launch.ports.metrics}"
        grpc_url = f"http://127.0.0.1:{launch.ports.grpc}"
        yield TritonServer(url=url, metrics_url=metrics_url, grpc_url=grpc_url, process=process, log=log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"Triton is not ready:\n{log.read_text()[-3000:]}")
