"""Callers that each ask again as soon as they were answered: what a server does when it is never let wait.

It hides waiting (docs/decisions/0034-rounds-and-ratios.md), so it compares ways to ask and finds where a search begins;
no rate at a bound is told from it.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

import grpc
import numpy as np
import numpy.typing as npt
import uvloop

from bench.step import TIMEOUT_S, WARM_UP_S, Aim
from serving.client_grpc import INFER
from serving.load_connection import Connection, Flight, wire_request

Ask = Callable[[bytes], Awaitable[bool]]
"""Sends prepared bytes; whether the answer was good."""
MOST_S = 20.0
"""Longer than this nobody is asked, however few answers there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """What came of it."""

    seconds: float
    """Without the warm-up."""
    latency_ms: npt.NDArray[np.float64]
    """Of the answers after the warm-up."""
    failed: int
    asked: int
    """Warm-up included."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latency_ms) / self.seconds


def http_loop(aim: Aim, callers: int, seconds: float, least: int = 0) -> Loop:
    """Over HTTP/1.1, a connection a caller; goes on beyond `seconds` until there are `least` answers."""

    async def run() -> Loop:
        tls = ssl.create_default_context(cafile=str(aim.ca)) if aim.ca else None
        async with AsyncExitStack() as stack:
            # The transports' own last callbacks.
            stack.push_async_callback(asyncio.sleep, 0)
            asking = [await _http(aim, tls, stack) for _ in range(callers)]
            return await _loop(asking, http_wires(aim), seconds, least)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def grpc_loop(target: str, messages: Sequence[bytes], callers: int, seconds: float, least: int = 0) -> Loop:
    """The same over gRPC with the V2 protocol's messages, a connection a caller."""

    async def run() -> Loop:
        async with AsyncExitStack() as stack:
            own = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))
            channels = [await stack.enter_async_context(grpc.aio.insecure_channel(target, own)) for _ in range(callers)]
            return await _loop([_grpc(channel) for channel in channels], messages, seconds, least)

    # Not uvloop: what grpcio leaves in a loop keeps uvloop from closing it.
    return asyncio.run(run())


def http_wires(aim: Aim) -> list[bytes]:
    """Everything that is sent, a body each."""
    headers = {"authorization": f"Bearer {aim.token}", "content-type": "application/json", **dict(aim.headers)}
    path, host = f"/v2/models/{aim.model_name}/infer", urlsplit(aim.url).netloc
    return [wire_request(path, host, headers, body) for body in aim.bodies]


async def _loop(asking: Sequence[Ask], wires: Sequence[bytes], seconds: float, least: int) -> Loop:
    begin = time.monotonic() + WARM_UP_S
    shared, latencies, failed, asked = cycle(wires), list[float](), 0, 0

    def is_over() -> bool:
        ran_s = time.monotonic() - begin
        return ran_s > MOST_S or (ran_s > seconds and len(latencies) >= least)

    async def caller(ask: Ask, own: Iterator[bytes]) -> None:
        nonlocal failed, asked
        while not is_over():
            sent = time.monotonic()
            is_good = await ask(next(own))
            asked += 1
            if sent >= begin:
                latencies.append(1000 * (time.monotonic() - sent))
                failed += not is_good

    await asyncio.gather(*(caller(ask, shared) for ask in asking))
    return Loop(seconds=time.monotonic() - begin, latency_ms=np.array(latencies), failed=failed, asked=asked)


async def _http(aim: Aim, tls: ssl.SSLContext | None, stack: AsyncExitStack) -> Ask:
    """A caller whose connection is opened anew after it broke."""
    loop, parts = asyncio.get_running_loop(), urlsplit(aim.url)
    host, port = str(parts.hostname), parts.port or 443
    answered: asyncio.Future[bool] = loop.create_future()

    def landed(connection: Connection, flight: Flight, status: int, version: str) -> None:
        answered.set_result(status == 200)

    def lost(connection: Connection, flight: Flight | None, error: Exception) -> None:
        if flight is not None:
            answered.set_result(False)

    async def opened() -> Connection:
        return (await loop.create_connection(lambda: Connection(landed, lost), host, port, ssl=tls))[1]

    connection = await opened()
    stack.callback(lambda: connection.abort())

    async def ask(wire: bytes) -> bool:
        nonlocal answered, connection
        if not connection.is_open:
            connection = await opened()
        answered = loop.create_future()
        connection.send(Flight(planned_s=0.0, late_ms=0.0, wire=wire))
        try:
            return await asyncio.wait_for(answered, TIMEOUT_S)
        except TimeoutError:
            connection.abort()
            return False

    return ask


def _grpc(channel: grpc.aio.Channel) -> Ask:
    call = channel.unary_unary(INFER, request_serializer=None, response_deserializer=None)

    async def ask(message: bytes) -> bool:
        try:
            await call(message, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return False
        return True

    return ask
