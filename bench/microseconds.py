"""Where a request's processor time goes: differences between configurations, and the engine's own counters.

All configurations get the same load, far below the knee, one after the other in rounds; medians of the rounds.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import median

from bench.contestants import ENDPOINT, LIMIT
from bench.gateway import GatewayShape, gateway
from bench.material import MODEL_NAME, Material
from bench.process import Program
from bench.servers import Triton, triton
from bench.settings import BenchSettings
from bench.step import Aim
from bench.transports import binary_bodies, payloads

RATE = 300.0
"""Requests a second: low enough that nothing waits long, high enough that what runs by itself counts little."""
PER_SECOND = 1e6
ENGINE_PARTS = ("read", "encode", "network", "respond")
"""Of `stillhouse_part_seconds`."""
BARER = {"tls": "no_tls", "token": "no_token", "body_check": "no_body_check", "access_log": "no_log", "limits": "bare"}
"""Part of the gateway -> the configuration that lacks it and all before it; what is left is Envoy's routing alone."""
Spent = Mapping[str, float]
"""Who -> microseconds a request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """A way from the generator to a model."""

    aim: Aim
    server: Triton
    envoy: Program | None


def measure(material: Material, settings: BenchSettings, say: Callable[[str], None]) -> dict[str, float]:
    """Part -> microseconds a request."""
    rounds: dict[str, list[Spent]] = {}
    with configurations(material, settings) as known:
        for number in range(settings.rounds):
            for name, configuration in known.items():
                rounds.setdefault(name, []).append(_spent(configuration, settings.step_s, number))
                say(f"  round {number + 1}, {name}: " + ", ".join(f"{k} {v:.0f}" for k, v in rounds[name][-1].items()))
    return parts({name: _medians(spent) for name, spent in rounds.items()})


def parts(spent: Mapping[str, Spent]) -> dict[str, float]:
    """Configuration -> what each spent there -> parts of the whole."""
    whole = spent[ENDPOINT]
    empty, binary, unknown = spent["empty_direct"], spent["empty_binary"], spent["unknown_model"]
    chain = [ENDPOINT, *BARER.values()]
    gateway = {
        part: spent[before]["envoy"] - spent[without]["envoy"]
        for part, before, without in zip(BARER, chain, BARER.values(), strict=False)
    }
    return {
        "generator": spent["no_tls"]["generator"],
        "generator_tls": whole["generator"] - spent["no_tls"]["generator"],
        **gateway,
        "routing": spent[chain[-1]]["envoy"],
        "http": unknown["server"],
        "json": empty["server"] - binary["server"],
        "queue_and_answer": binary["server"] - unknown["server"],
        **{f"model_{part}": whole[part] for part in ENGINE_PARTS},
        "model_in_all": whole["server"] - spent[LIMIT]["server"],
    }


@contextmanager
def configurations(material: Material, settings: BenchSettings) -> Iterator[dict[str, Configuration]]:
    """All of them, up until the block ends."""
    folder = settings.folder.absolute() / "work" / "microseconds"
    with ExitStack() as stack:
        model = stack.enter_context(triton(material.repository, folder / "model"))
        empty = stack.enter_context(triton(material.empty, folder / "empty"))

        def behind(name: str, server: Triton, shape: GatewayShape) -> Configuration:
            front = stack.enter_context(gateway(folder / name, [server.ports.http], MODEL_NAME, shape))
            aim = _aim(front.url, material.bodies, settings)
            return Configuration(aim=replace(aim, token=front.token, ca=front.ca), server=server, envoy=front.program)

        direct = _aim(f"http://127.0.0.1:{empty.ports.http}", material.bodies, settings)
        bodies, headers = binary_bodies(payloads(material, 1))
        yield {
            ENDPOINT: behind(ENDPOINT, model, GatewayShape()),
            LIMIT: behind(LIMIT, empty, GatewayShape()),
            **{name: behind(name, model, shape) for name, shape in barer_gateways().items()},
            "empty_direct": Configuration(aim=direct, server=empty, envoy=None),
            "empty_binary": Configuration(
                aim=replace(direct, bodies=bodies, headers=headers), server=empty, envoy=None
            ),
            # Refused once the request's head and body were read, before its JSON is.
            "unknown_model": Configuration(aim=replace(direct, model_name="unknown"), server=empty, envoy=None),
        }


def barer_gateways() -> dict[str, GatewayShape]:
    """Configuration -> the gateway without one part more than the one before."""
    shapes, shape = {}, GatewayShape()
    for part, name in BARER.items():
        shape = replace(shape, **{part: False})
        shapes[name] = shape
    return shapes


def _aim(url: str, bodies: tuple[bytes, ...], settings: BenchSettings) -> Aim:
    return Aim(
        url=url, token="-", ca=None, model_name=MODEL_NAME, bodies=bodies, connections=settings.connections  # noqa: S106
    )  # fmt: skip


def _spent(configuration: Configuration, seconds: float, seed: int) -> Spent:
    """Processor time by process, and the engine's own parts by the clock, a request."""
    before = _readings(configuration)
    result = configuration.aim.run(RATE, seconds, seed=seed)
    after = _readings(configuration)
    return {name: PER_SECOND * (after[name] - before[name]) / len(result.status) for name in after}


def _readings(configuration: Configuration) -> dict[str, float]:
    readings = {"generator": time.process_time(), "server": configuration.server.program.processor_s()}
    if configuration.envoy is not None:
        readings["envoy"] = configuration.envoy.processor_s()
    for part in ENGINE_PARTS:
        readings[part] = configuration.server.metric("stillhouse_part_seconds", part=part)
    return readings


def _medians(spent: Sequence[Spent]) -> dict[str, float]:
    return {name: median(one[name] for one in spent) for name in spent[0]}
