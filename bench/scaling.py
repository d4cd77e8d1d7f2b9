"""1, 2 and 4 replicas behind one gateway, and a queueing model that is checked against one and then carried further.

Generator, gateway and replicas share this machine's cores: more replicas are more processes here, not more processors.
What pods with cores of their own would do is the model's word alone (docs/decisions/0047-a-queueing-model.md).
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bench.contest import Turn, rate_of
from bench.gateway import gateway
from bench.material import MODEL_NAME, Material
from bench.process import Program
from bench.queueing import Station
from bench.report import Checked, Rate, ScalingModel
from bench.servers import tritons
from bench.settings import BenchSettings
from bench.step import WARM_UP_S, Aim, Step, step_of
from bench.sweep import find_knee

REPLICAS = (1, 2, 4)
PODS, POD_CORES = 8, 4
"""Eight nodes with an L4 as `g6.xlarge` has it; the engine uses the cores alone."""
_CHECKED = (0.3, 0.5, 0.7, 0.85)
"""Of one replica's rate."""
_SHARE = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A run at one rate, and what a request cost."""

    step: Step
    generator_ms: float
    """Processor time a request."""
    server_ms: float
    """The same of gateway and replicas."""


def measure(material: Material, settings: BenchSettings, say: Callable[[str], None]) -> dict[str, Rate | ScalingModel]:
    """Replicas -> their rate, and `model`."""
    found: dict[str, Rate | ScalingModel] = {}
    for count in REPLICAS:
        say(f"{count} replicas")
        with _behind_one_gateway(material, settings, count) as (aim, programs):
            knee = find_knee(aim, settings, start=None, seed=count, say=lambda text: say(f"  {text}"))
            found[str(count)] = rate_of([Turn(knee=knee, constant=None)])
            if count == 1 and knee.rate:
                samples = [_sample(aim, programs, share * knee.rate, settings) for share in _CHECKED]
                lengths = np.array([len(body) for body in material.bodies], float)
                found["model"] = model_of(samples, float(lengths.var() / lengths.mean() ** 2), settings.bound_ms)
    return found


def model_of(samples: Sequence[Sample], variation: float, bound_ms: float) -> ScalingModel:
    """Fitted to the median at the lowest rate alone; the rest is a check. A request's cost is that of each rate."""
    cores = os.cpu_count() or 1
    lowest = min(samples, key=lambda sample: sample.step.rate)
    # What passes without a processor at work: none is left where a request costs more than it takes.
    fixed_ms = max((lowest.step.p50_ms or 0.0) - lowest.generator_ms - lowest.server_ms, 0.0)
    checks = []
    for sample in samples:
        here = Station(
            cores=cores, busy_ms=sample.generator_ms + sample.server_ms, variation=variation, fixed_ms=fixed_ms
        )  # fmt: skip
        checks.append(
            Checked(
                rate=sample.step.rate,
                load=here.load(sample.step.rate),
                p50_ms=sample.step.p50_ms,
                p99_ms=sample.step.p99_ms,
                model_p50_ms=here.latency_ms(sample.step.rate, 0.5),
                model_p99_ms=here.latency_ms(sample.step.rate, _SHARE),
            )
        )
    short = [one.p99_ms / one.model_p99_ms for one in checks if one.p99_ms and one.model_p99_ms]
    margin = max([1.0, *short])
    busiest = max(samples, key=lambda sample: sample.step.rate)
    pod = Station(cores=POD_CORES, busy_ms=busiest.server_ms, variation=variation, fixed_ms=fixed_ms)
    return ScalingModel(
        server_us=1000 * busiest.server_ms,
        generator_us=1000 * busiest.generator_ms,
        variation=variation,
        fixed_ms=fixed_ms,
        checks=tuple(checks),
        pods=PODS,
        pod_cores=POD_CORES,
        margin=margin,
        rate=PODS * pod.rate_within(bound_ms / margin, _SHARE),
    )


def _sample(aim: Aim, programs: Sequence[Program], rate: float, settings: BenchSettings) -> Sample:
    before = time.process_time(), sum(program.processor_s() for program in programs)
    result = aim.run(rate, max(settings.step_s, settings.min_requests / rate) + WARM_UP_S)
    after = time.process_time(), sum(program.processor_s() for program in programs)
    generator_ms, server_ms = (
        1000 * (end - begin) / len(result.status) for end, begin in zip(after, before, strict=True)
    )
    return Sample(step=step_of(result, rate), generator_ms=generator_ms, server_ms=server_ms)


@contextmanager
def _behind_one_gateway(material: Material, settings: BenchSettings, count: int) -> Iterator[tuple[Aim, list[Program]]]:
    folder = settings.folder.absolute() / "work" / f"scaling_{count}"
    with (
        tritons(material.repository, folder, count) as servers,
        gateway(folder / "gateway", [server.ports.http for server in servers], MODEL_NAME) as front,
    ):
        aim = Aim(
            url=front.url, token=front.token, ca=front.ca, model_name=MODEL_NAME, bodies=material.bodies,
            connections=settings.connections,
        )  # fmt: skip
        yield aim, [front.program, *(server.program for server in servers)]
