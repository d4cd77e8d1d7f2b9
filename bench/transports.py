"""JSON, binary tensors and gRPC, each with 1, 8 and 64 entities a request: a closed loop of eight callers.

JSON and binary tensors go through the gateway. gRPC goes to Triton's own port, since the gateway does not pass it
(docs/decisions/0045-no-grpc-at-the-gateway.md), so its rate lacks TLS, token and routing: compare `triton_us`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from bench.closed_loop import Loop, grpc_loop, http_loop
from bench.gateway import gateway
from bench.material import MODEL_NAME, Material
from bench.process import Program
from bench.report import Transport
from bench.servers import Triton, triton
from bench.settings import BenchSettings
from bench.step import Aim
from model.payload import RequestValues, Tensor, request_tensors
from serving.client_wire import JSON_LENGTH_HEADER, binary_content, grpc_message, json_content
from serving.load_quote import quote

ENTITIES = (1, 8, 64)
TRANSPORTS = ("json", "binary", "grpc")
CALLERS = 8
_LEAST = 150
"""Answers a round: three rounds have enough for a p99."""
_PER_SECOND = 1e6
_MOST_PAYLOADS = 16
"""Of several entities each; they are large."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One transport with one number of entities, once; processor time in microseconds a request."""

    loop: Loop
    generator_us: float
    gateway_us: float | None
    triton_us: float


Ways = Mapping[tuple[str, int], Callable[[float], Loop]]
"""Transport and entities -> run for so many seconds."""


def measure(material: Material, settings: BenchSettings, say: Callable[[str], None]) -> dict[str, dict[str, Transport]]:
    """Transport -> entities a request -> what was measured."""
    rounds: dict[tuple[str, int], list[Round]] = {}
    with _ways(material, settings) as (ways, front, server):
        for number in range(settings.rounds):
            for (transport, entities), run in ways.items():
                found = _timed(run, settings.step_s, None if transport == "grpc" else front, server)
                rounds.setdefault((transport, entities), []).append(found)
                say(f"  round {number + 1}, {transport} x {entities}: {found.loop.rate:,.0f}/s")
    return {
        transport: {str(entities): transport_of(rounds[transport, entities], entities) for entities in ENTITIES}
        for transport in TRANSPORTS
    }


def transport_of(rounds: Sequence[Round], entities: int) -> Transport:
    """The median rate, and the p99 of all rounds' requests where they are enough."""
    rate = median(one.loop.rate for one in rounds)
    fronts = [one.gateway_us for one in rounds if one.gateway_us is not None]
    latencies = np.concatenate([one.loop.latency_ms for one in rounds])
    return Transport(
        rate=rate,
        entities_per_second=rate * entities,
        p99_ms=quote(latencies, 99, None).value_ms,
        requests=len(latencies),
        failed=sum(one.loop.failed for one in rounds),
        generator_us=median(one.generator_us for one in rounds),
        gateway_us=median(fronts) if fronts else None,
        triton_us=median(one.triton_us for one in rounds),
    )


def payloads(material: Material, entities: int) -> list[list[Tensor]]:
    """The tensors of requests about so many entities each, every entity as often."""
    starts = range(len(material.values)) if entities == 1 else range(0, len(material.values), _stride(material))
    return [request_tensors(material.contract, _around(material.values, start, entities)) for start in starts]


def binary_bodies(requests: Sequence[Sequence[Tensor]]) -> tuple[tuple[bytes, ...], tuple[tuple[str, str], ...]]:
    """The requests with binary tensors, their JSON heads filled up to one length so that all have the same headers."""
    made = [binary_content(tensors) for tensors in requests]
    longest = max(int(headers[JSON_LENGTH_HEADER]) for _, headers in made)
    bodies = []
    for content, headers in made:
        head = int(headers[JSON_LENGTH_HEADER])
        bodies.append(content[:head].ljust(longest) + content[head:])
    return tuple(bodies), tuple((made[0][1] | {JSON_LENGTH_HEADER: str(longest)}).items())


def _stride(material: Material) -> int:
    return max(len(material.values) // _MOST_PAYLOADS, 1)


def _around(values: Sequence[RequestValues], start: int, count: int) -> list[RequestValues]:
    return [values[(start + place) % len(values)] for place in range(count)]


@contextmanager
def _ways(material: Material, settings: BenchSettings) -> Iterator[tuple[Ways, Program, Triton]]:
    folder = settings.folder.absolute() / "work" / "transports"
    with (
        triton(material.repository, folder) as server,
        gateway(folder / "gateway", [server.ports.http], MODEL_NAME) as front,
    ):
        aim = Aim(
            url=front.url, token=front.token, ca=front.ca, model_name=MODEL_NAME, bodies=(), connections=CALLERS
        )  # fmt: skip
        ways: dict[tuple[str, int], Callable[[float], Loop]] = {}
        for entities in ENTITIES:
            requests = payloads(material, entities)
            bodies, headers = binary_bodies(requests)
            in_json = replace(aim, bodies=tuple(json_content(tensors)[0] for tensors in requests))
            messages = [grpc_message(MODEL_NAME, tensors).SerializeToString() for tensors in requests]
            ways["json", entities] = _over_http(in_json)
            ways["binary", entities] = _over_http(replace(aim, bodies=bodies, headers=headers))
            ways["grpc", entities] = _over_grpc(f"127.0.0.1:{server.ports.grpc}", messages)
        yield ways, front.program, server


def _over_http(aim: Aim) -> Callable[[float], Loop]:
    return lambda seconds: http_loop(aim, CALLERS, seconds, _LEAST)


def _over_grpc(target: str, messages: Sequence[bytes]) -> Callable[[float], Loop]:
    return lambda seconds: grpc_loop(target, messages, CALLERS, seconds, _LEAST)


def _timed(run: Callable[[float], Loop], seconds: float, front: Program | None, server: Triton) -> Round:
    before = _spent_s(front, server)
    loop = run(seconds)
    generator, gateway, triton = (
        _PER_SECOND * (after - then) / loop.asked for after, then in zip(_spent_s(front, server), before, strict=True)
    )
    return Round(
        loop=loop, generator_us=generator, gateway_us=None if front is None else gateway, triton_us=triton
    )  # fmt: skip


def _spent_s(front: Program | None, server: Triton) -> tuple[float, float, float]:
    return time.process_time(), front.processor_s() if front else 0.0, server.program.processor_s()
