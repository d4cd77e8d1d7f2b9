"""From the start of Triton's process to its first answer, in steps; whether first answers are as fast as later ones."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import httpx

from bench.material import MODEL_NAME, Material
from bench.process import running
from bench.servers import launch_of
from bench.settings import BenchSettings

FIRST, LATER = 100, 400
_WITHIN_S = 60.0
_MARKS = {"server": "loading: ", "model": "successfully loaded", "listening": "Started HTTPService"}
"""Step -> what Triton logs at its end."""
_TIME = re.compile(r"^I\d{4} (\d\d:\d\d:\d\d\.\d{6}) ")
_DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdStart:
    """One start."""

    steps: dict[str, float]
    """Seconds of each; together from the process's start to the first answer."""
    first_ratio: float
    """Median latency of the first hundred answers, one after the other, by that of the next four hundred."""

    @property
    def seconds(self) -> float:
        """All steps."""
        return sum(self.steps.values())


def measure(material: Material, settings: BenchSettings, say: Callable[[str], None]) -> list[ColdStart]:
    """One start a round."""
    starts = []
    for number in range(settings.rounds):
        starts.append(_start(material, settings))
        words = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in starts[-1].steps.items())
        say(f"  round {number + 1}: {words}; first hundred by later ones {starts[-1].first_ratio:.2f}")
    return starts


def _start(material: Material, settings: BenchSettings) -> ColdStart:
    folder = settings.folder.absolute() / "work" / "cold"
    launch = launch_of(material.repository, folder)
    url = f"http://127.0.0.1:{launch.ports.http}/v2/models/{MODEL_NAME}/infer"
    begin_s = _second_of_day(datetime.now())
    with (
        httpx.Client(trust_env=False, timeout=10) as client,
        running("triton", launch.command(), folder=folder, environment=launch.environment()) as program,
    ):
        first: list[float] = []

        def answered() -> bool:
            try:
                good = client.post(url, content=material.bodies[0]).status_code == 200
            except httpx.TransportError:
                return False
            if good:
                first.append(_second_of_day(datetime.now()))
            return good

        program.wait_until(answered, _WITHIN_S, poll_s=0.001)
        latencies = [_latency_s(client, url, material.bodies[n % len(material.bodies)]) for n in range(FIRST + LATER)]
        steps = steps_of(program.log.read_text(), begin_s=begin_s, end_s=first[0])
    return ColdStart(steps=steps, first_ratio=median(latencies[:FIRST]) / median(latencies[FIRST:]))


def steps_of(log: str, *, begin_s: float, end_s: float) -> dict[str, float]:
    """Seconds of each step, from Triton's log; `begin_s` and `end_s` are seconds of the local day."""
    steps, last_s = {}, begin_s
    for step, mark in _MARKS.items():
        line = next(line for line in log.splitlines() if mark in line)
        found = _TIME.match(line)
        assert found is not None, line
        at_s = _second_of_day(datetime.strptime(found[1], "%H:%M:%S.%f"))
        steps[step] = (at_s - last_s) % _DAY_S
        last_s = at_s
    return {**steps, "first_answer": (end_s - last_s) % _DAY_S}


def _second_of_day(moment: datetime) -> float:
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6


def _latency_s(client: httpx.Client, url: str, body: bytes) -> float:
    begin_s = time.perf_counter()
    client.post(url, content=body).raise_for_status()
    return time.perf_counter() - begin_s
