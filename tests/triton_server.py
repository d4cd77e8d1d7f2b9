"""Starts the real Triton on the loopback for tests, from the environment `.triton` at the checkout's root."""

import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / ".triton/lib/python3.11/site-packages"
READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonServer:
    """A running server."""

    url: str
    metrics_url: str
    process: subprocess.Popen[bytes]
    log: Path

    def metric(self, name: str) -> float:
        """Sum of a metric over its series."""
        lines = httpx.get(f"{self.metrics_url}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{"))


@contextmanager
def triton_server(
    repository: Path, model_name: str, folder: Path, environment: dict[str, str] | None = None
) -> Iterator[TritonServer]:
    """Serve `repository` until the block ends; `folder` takes the log and the backend."""
    backend = folder / "backends" / "python"
    backend.mkdir(parents=True)
    server = PACKAGES / "pytriton/tritonserver"
    stub = server / "python_backend_stubs/3.11/triton_python_backend_stub"
    for source in (*(server / "backends/python").iterdir(), stub):
        (backend / source.name).symlink_to(source)
    http_port, metrics_port = _free_port(), _free_port()
    command = [
        str(server / "bin/tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={backend.parent}",
        "--http-address=127.0.0.1",
        f"--http-port={http_port}",
        "--allow-grpc=false",
        "--metrics-address=127.0.0.1",
        f"--metrics-port={metrics_port}",
        "--exit-timeout-secs=2",
    ]
    log = folder / "triton.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=folder, env=_environment(environment))
    try:
        url = f"http://127.0.0.1:{http_port}"
        _wait_until_ready(f"{url}/v2/models/{model_name}/ready", process, log)
        yield TritonServer(url=url, metrics_url=f"http://127.0.0.1:{metrics_port}", process=process, log=log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    """The stub finds numpy 1 through `python3` in PATH: it reads the `pyvenv.cfg` beside it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    libraries = [PACKAGES / "nvidia_pytriton.libs", sysconfig.get_config_var("LIBDIR")]
    return kept | {
        "PATH": f"{ROOT / '.triton/bin'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "OPENBLAS_NUM_THREADS": "1",
        **(more or {}),
    }


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


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
