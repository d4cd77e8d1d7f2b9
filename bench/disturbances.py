"""What happens to a running endpoint under load -> what its callers notice: the ten seconds before, and around."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from bench.gateway import gateway
from bench.material import CUTOFF_NS, MODEL_NAME, Material, write_embeddings
from bench.report import Disturbance
from bench.servers import tritons
from bench.settings import BenchSettings
from bench.step import WARM_UP_S, Aim
from model.artifact import MANIFEST, read_artifact, write_artifact
from serving.load_quote import quote
from serving.load_result import LoadResult
from serving.release import Release, release_text
from serving.release_change import Change
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.release_verbs_hold import clear
from serving.twin.run import twin_down, twin_reconcile, twin_refresh, twin_rotate, twin_up
from serving.twin.settings import TwinSettings
from serving.twin.tokens import open_issuer

RATE = 300.0
WINDOW_S = 10.0
"""Before, and from five seconds before the event to five after its end at the earliest."""
_NS_PER_HOUR = 3600 * 10**9
Event = Callable[[], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """The load of one repetition, cut at the event."""

    before: LoadResult
    around: LoadResult


@dataclass(kw_only=True, slots=True)
class Twin:
    """A running twin with two versions of the model, and its release file."""

    folder: Path
    release: Release = field(default_factory=lambda: Release(endpoint=MODEL_NAME))

    @property
    def release_path(self) -> Path:
        """What the twin follows."""
        return self.folder / "release.yaml"

    def do(self, verb: Callable[[Release], Change]) -> None:
        """Write the next release file."""
        self.release = verb(self.release).release
        self.release_path.write_text(release_text(self.release))

    def change(self, verb: Callable[[Release], Change]) -> None:
        """The same, and the twin serves it."""
        self.do(verb)
        twin_reconcile(self.folder / "twin")

    def clear(self) -> None:
        """Let the version that was rolled back serve in the next round."""
        self.do(partial(clear, rejected="v2", by="bench", reason="it was rolled back to be measured"))


def measure(material: Material, settings: BenchSettings, say: Callable[[str], None]) -> dict[str, Disturbance]:
    """Every disturbance, once a round."""
    found: dict[str, list[Around]] = {}

    def note(name: str, aim: Aim, event: Event) -> None:
        found.setdefault(name, []).append(_around(aim, event))
        say(f"  {name}: {disturbance_of(found[name][-1:])}")

    with _twin(material, settings) as (twin, aim):
        for number in range(settings.rounds):
            fresh = settings.folder.absolute() / "work" / "disturbances" / "fresh"
            write_embeddings(fresh, settings.num_embeddings, CUTOFF_NS + (number + 1) * _NS_PER_HOUR, seed=number + 2)
            note("embedding_refresh", aim, partial(twin_refresh, twin.folder / "twin", fresh))
            note("version_load", aim, partial(twin.change, partial(canary, version="v2", weight=10)))
            note("weight_change", aim, partial(twin.change, partial(ramp, weight=50)))
            note("version_unload", aim, partial(twin.change, rollback))
            note("certificate_rotation", aim, partial(twin_rotate, twin.folder / "twin", "certificate"))
            twin.clear()
    for _ in range(settings.rounds):
        with _two_replicas(material, settings) as (aim, kill):
            note("killed_replica", aim, kill)
    return {name: disturbance_of(repetitions) for name, repetitions in found.items()}


def disturbance_of(repetitions: Sequence[Around]) -> Disturbance:
    """What callers noticed."""
    ratios = [one for one in map(_p99_ratio, repetitions) if one is not None]
    latencies = [one.around.summary() for one in repetitions]
    lateness = next((summary.warning for summary in latencies if summary.warning), None)
    # Ten seconds have too few requests for it; all repetitions together may have enough.
    tail = quote(np.concatenate([one.around.counted_ms() for one in repetitions]), 99.9, lateness)
    return Disturbance(
        failed=sum(summary.failures for summary in latencies),
        p99_ratio=median(ratios) if ratios else None,
        p999_ms=tail.value_ms,
        max_ms=max((summary.latency.max_ms for summary in latencies if summary.latency), default=None),
        requests=sum(summary.requests for summary in latencies),
    )


def _p99_ratio(one: Around) -> float | None:
    before, around = (result.summary().quotes["p99"].value_ms for result in (one.before, one.around))
    return around / before if around is not None and before is not None else None


def _around(aim: Aim, event: Event) -> Around:
    """Load before, during and after; the event is not asked to end within the window, but the load waits for it."""
    runner = aim.runner(RATE)
    runner.start()
    pause = threading.Event()
    calm_s = WARM_UP_S + WINDOW_S + WINDOW_S / 2
    pause.wait(calm_s)
    event()
    pause.wait(WINDOW_S / 2)
    result = runner.stop()
    cut_s = WARM_UP_S + WINDOW_S
    return Around(before=result.between(WARM_UP_S, cut_s), around=result.between(cut_s, float("inf")))


@contextmanager
def _twin(material: Material, settings: BenchSettings) -> Iterator[tuple[Twin, Aim]]:
    """A twin that serves v1 and knows v2, the same model under another digest."""
    folder = settings.folder.absolute() / "work" / "disturbances"
    folder.mkdir(parents=True, exist_ok=True)
    twin = Twin(folder=folder)
    _write_second(material.repository, folder / "second")
    for version, path in (("v1", material.repository), ("v2", folder / "second")):
        digest, uri = read_artifact(path, kind="triton_repository").digest, str(path.absolute())
        twin.do(partial(register, version=version, digest=digest, uri=uri, registered=datetime.now(UTC)))
    twin.do(partial(promote, version="v1"))
    status = twin_up(TwinSettings(folder=folder / "twin", release_path=twin.release_path, root=folder))
    assert status is not None
    try:
        token = open_issuer(folder / "twin" / "tokens").mint()
        yield twin, _aim(material, settings, status.url, token, Path(status.ca_path))
    finally:
        twin_down(folder / "twin")


def _write_second(first: Path, path: Path) -> None:
    """The same files, linked, and one more."""
    parents = read_artifact(first, kind="triton_repository").parents
    with write_artifact(path, kind="triton_repository", parents=parents) as draft:
        shutil.copytree(
            first, draft.path, copy_function=os.link, ignore=shutil.ignore_patterns(MANIFEST), dirs_exist_ok=True
        )
        (draft.path / "second").touch()


@contextmanager
def _two_replicas(material: Material, settings: BenchSettings) -> Iterator[tuple[Aim, Event]]:
    """One gateway over two Tritons, and what kills the second."""
    folder = settings.folder.absolute() / "work" / "replicas"
    with (
        tritons(material.repository, folder, 2) as servers,
        gateway(folder / "gateway", [server.ports.http for server in servers], MODEL_NAME) as front,
    ):
        kill = partial(os.kill, servers[1].program.process.pid, signal.SIGKILL)
        yield _aim(material, settings, front.url, front.token, front.ca), kill


def _aim(material: Material, settings: BenchSettings, url: str, token: str, ca: Path | None) -> Aim:
    bodies, connections = material.bodies, settings.connections
    return Aim(url=url, token=token, ca=ca, model_name=MODEL_NAME, bodies=bodies, connections=connections)
