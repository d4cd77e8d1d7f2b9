"""One Triton process for one version: its repository checked, its command and environment, and when it is ready."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import aiohttp

from model.artifact import read_artifact
from model.contract import PayloadContract, read_contract
from model.errors import UserError
from serving.release_parts import Registered
from serving.twin.paths import TritonInstallation
from serving.twin.process import free_ports

_EXIT_TIMEOUT_S = 2
"""How long Triton waits for open connections on SIGTERM; by then Envoy has closed its own."""
EMBEDDINGS_VARIABLE = "STILLHOUSE_EMBEDDINGS"
REPOSITORY_KIND = "triton_repository"


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A checked Triton repository."""

    version: str
    digest: str
    path: Path
    contract: PayloadContract


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonPorts:
    """All on 127.0.0.1."""

    http: int
    metrics: int
    grpc: int

    @classmethod
    def free(cls) -> Self:
        """Three that were free a moment ago, never the same one twice: Triton refuses that."""
        http, metrics, grpc = free_ports(3)
        return cls(http=http, metrics=metrics, grpc=grpc)


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonLaunch:
    """All that a Triton process is started from."""

    repository: Repository
    ports: TritonPorts
    installation: TritonInstallation
    backends: Path
    """From `link_backends`."""
    embeddings: Path
    """The model follows the symlink `current` in this folder."""
    http_threads: int

    def command(self) -> list[str]:
        """Only what the endpoint needs is switched on."""
        options = {
            "model-repository": self.repository.path,
            "backend-directory": self.backends,
            "http-address": "127.0.0.1",
            "http-port": self.ports.http,
            "http-thread-count": self.http_threads,
            "metrics-address": "127.0.0.1",
            "metrics-port": self.ports.metrics,
            "grpc-address": "127.0.0.1",
            "grpc-port": self.ports.grpc,
            "allow-gpu-metrics": "false",
            "model-control-mode": "none",
            "exit-on-error": "true",
            "strict-readiness": "true",
            "exit-timeout-secs": _EXIT_TIMEOUT_S,
            # Named after the port, so that what a killed process leaves in /dev/shm can be told apart.
            "backend-config": f"python,shm-region-prefix-name={self.shared_memory_prefix}",
        }
        return [str(self.installation.binary), *(f"--{name}={value}" for name, value in options.items())]

    @property
    def shared_memory_prefix(self) -> str:
        """Of the Python backend's regions in /dev/shm."""
        return f"stillhouse_{self.ports.http}_{self.ports.metrics}"

    def environment(self) -> dict[str, str]:
        """The stub embeds the Python whose `python3` comes first in PATH, with the packages of its environment."""
        installation = self.installation
        libraries = f"{installation.libraries}:{installation.python_library}"
        hidden = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "LD_PRELOAD")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return kept | {
            "LD_LIBRARY_PATH": libraries,
            "PATH": f"{installation.environment / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Small matrices get slower with threads, and every version has its own process.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            EMBEDDINGS_VARIABLE: str(self.embeddings),
        }


def check_repository(version: str, registered: Registered, root: Path) -> Repository:
    """Find a version's repository and compare its files with the release's digest.

    Raises:
        UserError: not here, changed since it was written, or another digest than the release names.
    """
    path = local_path(registered.uri, root)
    artifact = read_artifact(path, kind=REPOSITORY_KIND, verify=True)
    if artifact.digest != registered.digest:
        raise UserError(
            f"`{path}` is not what was registered as {version}: the release says {registered.digest[:19]} "
            f"(got {artifact.digest[:19]})",
            hint="register the new digest under a new version name",
        )
    return Repository(version=version, digest=artifact.digest, path=path, contract=read_contract(path))


def local_path(uri: str, root: Path) -> Path:
    """Where a registered uri lies on this machine.

    Raises:
        UserError: it lies elsewhere.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme:
        raise UserError(
            f"the twin serves folders of this machine (got {uri})", hint="copy it here and register the folder"
        )
    return root / uri


def link_backends(installation: TritonInstallation, folder: Path) -> Path:
    """Put the Python backend and the stub of the right Python into one folder, as Triton wants them."""
    target = folder / "python"
    target.mkdir(parents=True, exist_ok=True)
    for source in (*sorted(installation.python_backend.iterdir()), installation.stub):
        link = target / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(source.resolve())
    return folder


def clear_shared_memory(prefix: str) -> None:
    """Remove what a killed Triton left in /dev/shm."""
    for region in Path("/dev/shm").glob(f"{prefix}*"):  # noqa: S108
        region.unlink(missing_ok=True)


async def is_ready(session: aiohttp.ClientSession, launch: TritonLaunch) -> bool:
    """Whether the model answers over a real connection, with the inputs that its contract promises.

    Raises:
        UserError: the model takes other inputs than the contract says.
    """
    model = f"http://127.0.0.1:{launch.ports.http}/v2/models/{launch.repository.contract.model_name}"
    try:
        async with session.get(f"{model}/ready") as answer:
            if answer.status != 200:
                return False
        async with session.get(model) as answer:
            metadata = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        return False
    _compare_inputs(launch.repository, {entry["name"]: entry["datatype"] for entry in metadata["inputs"]})
    return True


def _compare_inputs(repository: Repository, served: Mapping[str, str]) -> None:
    promised = {spec.name: spec.datatype.value for spec in repository.contract.inputs}
    if served != promised:
        different = sorted(set(served.items()) ^ set(promised.items()))
        raise UserError(
            f"version {repository.version}: the model's inputs are not those of its contract (differ in {different})",
            hint="export the model again",
        )


async def scrape(session: aiohttp.ClientSession, ports: TritonPorts) -> str:
    """Triton's metrics as Prometheus text; empty when it does not answer."""
    try:
        async with session.get(f"http://127.0.0.1:{ports.metrics}/metrics") as answer:
            return await answer.text()
    except (TimeoutError, aiohttp.ClientError):
        return ""
