"""The peers by name: how each is started in its environment, with the setting that its own pages advise here."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.boosted import make_booster
from bench.contestants import Contestant, Served
from bench.material import MODEL_NAME, Material
from bench.process import answers, running
from model.errors import UserError
from serving.twin.paths import checkout_root
from serving.twin.process import free_port

ENVIRONMENT = ".peers"
"""`scripts/setup peers` makes it, and the one of a peer that wants other versions."""
_READY_S = 180.0
_READY_PATH = f"/v2/models/{MODEL_NAME}/ready"


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """How one is started."""

    command: Callable[[int, int], list[str]]
    """Port and number of workers -> program of the environment's `bin` and its arguments."""
    ready_path: str = _READY_PATH
    """Answers 200 once the model is loaded."""
    environment: str = ENVIRONMENT


def _uvicorn(module: str) -> Callable[[int, int], list[str]]:
    return lambda port, workers: [
        *("python", "-m", "uvicorn", f"bench.peers.{module}:app", "--factory", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(workers), "--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
    ]


def _module(module: str, *, workers: bool = False) -> Callable[[int, int], list[str]]:
    return lambda port, number: [
        "python", "-m", f"bench.peers.{module}", str(port), *([str(number)] if workers else [])
    ]  # fmt: skip


PEERS = {
    "fastapi": Peer(command=_uvicorn("fastapi_torch")),
    "litserve": Peer(command=_module("litserve_torch", workers=True)),
    "onnxruntime": Peer(command=_uvicorn("starlette_onnx")),
    "lightgbm": Peer(command=_uvicorn("fastapi_lightgbm")),
    "bentoml": Peer(
        command=lambda port, workers: [
            *("bentoml", "serve", "bench.peers.bentoml_torch:Propensity", "--host", "127.0.0.1"),
            *("--port", str(port), "--api-workers", str(workers)),
        ],
        ready_path="/readyz",
    ),
    "ray": Peer(command=_module("ray_torch")),
    "kserve": Peer(command=_module("kserve_torch", workers=True)),
    "mlserver": Peer(command=_module("mlserver_torch"), environment=".peers-mlserver"),
}


def peers(names: tuple[str, ...], material: Material) -> list[Contestant]:
    """The peers called so, or all; what they serve is made first.

    Raises:
        UserError: no such peer, or no environment for them.
    """
    for name in names:
        if name not in PEERS:
            raise UserError(f"there is no peer `{name}`", hint=f"one of {', '.join(PEERS)}")
    chosen = names or tuple(PEERS)
    # The first also makes what the others serve.
    for environment in (ENVIRONMENT, *(PEERS[name].environment for name in chosen)):
        if not _program(environment, "python").exists():
            raise UserError(f"no `{environment}` in `{checkout_root()}`", hint="`scripts/setup peers` makes it")
    folder = material.folder.absolute() / "peers"
    scores = make_booster(material, folder / "lightgbm") if "lightgbm" in chosen else material.scores
    if "onnxruntime" in chosen:
        _run_once(["python", "-m", "bench.peers.onnx_model", str(folder / "model.onnx")], material, folder)
    return [
        Contestant(
            name=name,
            serve=_serve(name, material),
            expected=(lambda _: scores) if name == "lightgbm" else (lambda made: made.scores),
            ready_path=PEERS[name].ready_path,
        )
        for name in chosen
    ]


def _serve(name: str, material: Material) -> Callable[[Path], AbstractContextManager[Served]]:
    @contextmanager
    def serve(folder: Path) -> Iterator[Served]:
        peer, port = PEERS[name], free_port()
        program, *arguments = peer.command(port, os.cpu_count() or 1)
        command = [str(_program(peer.environment, program)), *arguments]
        own = _environment(material, peer.environment)
        with running(name, command, folder=folder, environment=own) as server:
            server.wait_until(lambda: answers(f"http://127.0.0.1:{port}{peer.ready_path}"), _READY_S)
            yield Served(program=server, port=port)

    return serve


def _run_once(command: list[str], material: Material, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    program, *arguments = command
    done = subprocess.run(
        [str(_program(ENVIRONMENT, program)), *arguments],
        env=_environment(material, ENVIRONMENT),
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise UserError(f"`{' '.join(arguments)}` failed:\n{done.stderr[-1500:]}")


def _environment(material: Material, environment: str) -> dict[str, str]:
    """One thread each: the model is small, and there are as many processes as cores."""
    folder = material.folder.absolute()
    own = os.environ.copy()
    own.pop("VIRTUAL_ENV", None)
    return own | {
        "PATH": f"{_program(environment, 'python').parent}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(checkout_root()),
        "OMP_NUM_THREADS": "1",
        "BENCH_MODEL": str(material.version_folder.absolute()),
        "BENCH_MODEL_NAME": MODEL_NAME,
        "BENCH_ONNX": str(folder / "peers" / "model.onnx"),
        "BENCH_LIGHTGBM": str(folder / "peers" / "lightgbm"),
        "BENCH_WORKERS": str(os.cpu_count() or 1),
        "BENTOML_DO_NOT_TRACK": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


def _program(environment: str, name: str) -> Path:
    return checkout_root() / environment / "bin" / name
