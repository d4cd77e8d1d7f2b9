"""Triton as the twin starts it, and as many replicas as are asked for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.process import Program, answers, running
from model.contract import read_contract
from serving.twin.paths import find_triton
from serving.twin.triton import Repository, TritonLaunch, TritonPorts, clear_shared_memory, link_backends

_READY_S = 120.0
_HTTP_THREADS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Triton:
    """A server whose model is ready."""

    program: Program
    ports: TritonPorts

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's series that have these labels."""
        text = httpx.get(f"http://127.0.0.1:{self.ports.metrics}/metrics", trust_env=False).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in (name, f"{name}_total") and labels.items() <= sample.labels.items()
        )


@contextmanager
def triton(repository: Path, folder: Path, name: str = "triton") -> Iterator[Triton]:
    """Serve `repository` until the block ends.

    Raises:
        UserError: it does not come up.
    """
    launch = launch_of(repository, folder)
    with running(name, launch.command(), folder=folder, environment=launch.environment()) as program:
        try:
            url = f"http://127.0.0.1:{launch.ports.http}/v2/models/{launch.repository.contract.model_name}/ready"
            program.wait_until(lambda: answers(url), _READY_S)
            yield Triton(program=program, ports=launch.ports)
        finally:
            clear_shared_memory(launch.shared_memory_prefix)


@contextmanager
def tritons(repository: Path, folder: Path, count: int) -> Iterator[list[Triton]]:
    """That many replicas."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(triton(repository, folder / f"replica_{number}", f"triton_{number}"))
            for number in range(count)
        ]


def launch_of(repository: Path, folder: Path) -> TritonLaunch:
    """All that a Triton for `repository` is started from, on free ports."""
    installation = find_triton()
    return TritonLaunch(
        repository=Repository(version="v1", digest="", path=repository.absolute(), contract=read_contract(repository)),
        ports=TritonPorts.free(),
        installation=installation,
        backends=link_backends(installation, folder.absolute() / "backends"),
        embeddings=folder.absolute() / "embeddings",
        http_threads=_HTTP_THREADS,
    )
