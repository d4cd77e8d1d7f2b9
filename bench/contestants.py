"""Who is measured: each is started for its turn, behind the same gateway, and ended after it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import gateway
from bench.material import MODEL_NAME, Material
from bench.process import Program
from bench.servers import triton
from bench.settings import BenchSettings
from bench.step import Aim
from model.served.inputs import Float

ENDPOINT, LIMIT = "endpoint", "limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """One way to serve."""

    name: str
    serve: Callable[[Path], AbstractContextManager["Served"]]
    """Starts the server with its logs in a folder, until the block ends."""
    expected: Callable[[Material], Float] = lambda material: material.scores
    """[bodies] what it must answer; nobody looks at the limit's answers."""
    ready_path: str = f"/v2/models/{MODEL_NAME}/ready"
    """What the gateway's health check asks for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A server that is ready."""

    program: Program
    port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """A contestant behind its gateway."""

    server: Program
    envoy: Program
    aim: Aim


def endpoint(material: Material) -> Contestant:
    """The exported model."""
    return Contestant(name=ENDPOINT, serve=lambda folder: _triton(material.repository, folder))


def limit(material: Material) -> Contestant:
    """The same path to an empty model."""
    return Contestant(name=LIMIT, serve=lambda folder: _triton(material.empty, folder))


@contextmanager
def stand(contestant: Contestant, material: Material, settings: BenchSettings) -> Iterator[Stand]:
    """Start a contestant and its gateway, until the block ends."""
    folder = settings.folder.absolute() / "work" / contestant.name
    with (
        contestant.serve(folder) as served,
        gateway(folder / "gateway", [served.port], MODEL_NAME, ready_path=contestant.ready_path) as front,
    ):
        aim = Aim(
            url=front.url,
            token=front.token,
            ca=front.ca,
            model_name=MODEL_NAME,
            bodies=material.bodies,
            connections=settings.connections,
        )
        yield Stand(server=served.program, envoy=front.program, aim=aim)


@contextmanager
def _triton(repository: Path, folder: Path) -> Iterator[Served]:
    with triton(repository, folder) as server:
        yield Served(program=server.program, port=server.ports.http)
