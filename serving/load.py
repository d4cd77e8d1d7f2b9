"""Open-loop load: requests go out at times planned ahead, whatever the endpoint does, and latency counts from there.

A generator that waits for answers slows down with the server and hides the wait; this one does not
(docs/decisions/0033-the-load-generator.md).
"""

import asyncio
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from math import inf
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import numpy as np
import uvloop

from model.errors import UserError
from serving.load_clock import PreciseTimer
from serving.load_connection import Connection, Flight, wire_request
from serving.load_result import LoadRecorder, LoadResult
from serving.release_match import ENTITY_HEADER

Arrivals = Literal["poisson", "constant"]
_CHUNK = 4096
_LEAD_S = 0.05
"""Between the start and the first planned request."""
_SWEEP_S = 0.05
"""How often requests that are due are looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadSettings:
    """What to send where."""

    url: str
    """`https://host:port`."""
    model_name: str
    token: str
    ca_path: Path | None
    """Authority to trust; None trusts the system's."""
    rate_per_s: float
    arrivals: Arrivals = "poisson"
    """Independent callers arrive as a Poisson process; evenly spaced requests flatter the tail."""
    seed: int = 0
    timeout_s: float = 10.0
    """A request without an answer so long after its planned time has failed."""
    connections: int = 8
    """Opened before the first request; more follow when all are busy."""
    max_connections: int = 256
    """Far above what is needed: waiting for a connection would close the loop."""
    headers: Mapping[str, str] | None = None
    """Sent with every request, over and above the token and the type."""
    bound_ms: float = inf
    """`beyond` counts what fails or is answered later than this."""
    bound_from_s: float = 0.0
    """Of requests that are planned from then on."""

    def __post_init__(self) -> None:
        assert self.rate_per_s > 0, f"rate must be positive (got {self.rate_per_s})"
        assert self.timeout_s > 0, f"timeout must be positive (got {self.timeout_s})"
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"the endpoint's URL must be http(s)://host:port (got {self.url!r})")


def arrival_times_s(settings: LoadSettings) -> Iterator[float]:
    """Planned times since the start, without end; the same for the same seed."""
    random = np.random.default_rng(settings.seed)
    last_s = 0.0
    while True:
        if settings.arrivals == "constant":
            gaps_s = np.full(_CHUNK, 1 / settings.rate_per_s)
        else:
            gaps_s = random.exponential(1 / settings.rate_per_s, _CHUNK)
        times_s = last_s + np.cumsum(gaps_s)
        yield from times_s.tolist()
        last_s = float(times_s[-1])


class LoadRunner:
    """Sends from a thread of its own, between `start` and `stop`."""

    def __init__(
        self, settings: LoadSettings, bodies: Sequence[bytes], *, entities: Sequence[str] | None = None
    ) -> None:
        """Prepare.

        Args:
            settings: what to send where.
            bodies: V2 bodies, sent in turn.
            entities: whom each body is about, as the endpoint's header has it (`client.entity_value`); None says
                nothing about it.
        """
        assert bodies, "no bodies to send"
        named = [{} if entities is None else {ENTITY_HEADER: entity} for entity in entities or [""] * len(bodies)]
        self._settings = settings
        self._wires = [_wire(settings, body, extra) for body, extra in zip(bodies, named, strict=True)]
        self._recorder = LoadRecorder(
            timeout_s=settings.timeout_s, bound_ms=settings.bound_ms, bound_from_s=settings.bound_from_s
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._begun = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin to send; returns when the generator runs."""
        self._thread.start()
        self._begun.wait()

    def stop(self) -> LoadResult:
        """Send no more, wait for the answers that are due, and give what was measured."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop of a generator that failed is closed
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._recorder.result()

    def progress(self) -> tuple[int, int]:
        """(answers so far, failures among them), at any time."""
        return self._recorder.counts()

    def beyond(self) -> int:
        """Requests beyond the settings' bound so far, at any time."""
        return self._recorder.beyond

    def wait(self, seconds: float) -> None:
        """Return after so long, or when the generator has ended by itself."""
        self._thread.join(seconds)

    def run_for(self, duration_s: float) -> LoadResult:
        """Start, send for so long, and stop."""
        self.start()
        self._thread.join(duration_s)
        return self.stop()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._generate())
        except BaseException as error:
            self._failure = error
        finally:
            self._begun.set()

    async def _generate(self) -> None:
        self._loop = asyncio.get_running_loop()
        sender = _Sender(self._settings, self._wires, self._recorder)
        await sender.open()
        sender.start()
        self._begun.set()
        await self._stop.wait()
        await sender.finish()


class _Sender:
    """Schedule, connections and requests under way; everything on one event loop."""

    def __init__(self, settings: LoadSettings, wires: Sequence[bytes], recorder: LoadRecorder) -> None:
        self._settings, self._recorder = settings, recorder
        self._plan = zip(arrival_times_s(settings), cycle(wires), strict=False)
        self._next_s, self._next_wire = next(self._plan)
        self._loop = asyncio.get_running_loop()
        self._timer = PreciseTimer(self._loop, self._tick)
        self._begin = 0.0
        self._is_sending = False
        self._idle: list[Connection] = []
        self._num_open = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[Flight] = deque()
        self._due: dict[int, Flight] = {}
        """By identity, in the order of their planned times."""
        self._landed = asyncio.Event()
        parts = urlsplit(settings.url)
        self._host, self._port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = (
            ssl.create_default_context(cafile=str(settings.ca_path) if settings.ca_path else None)
            if parts.scheme == "https"
            else None
        )

    async def open(self) -> None:
        """Open the first connections; who is not there is a failure of every request, not of the run."""
        for _ in range(min(self._settings.connections, self._settings.max_connections)):
            self._open_one()
        await asyncio.gather(*self._opening)

    def start(self) -> None:
        """Begin with the schedule."""
        self._begin = time.monotonic() + _LEAD_S
        self._is_sending = True
        self._timer.wake_at(self._begin + self._next_s)
        self._loop.call_later(_SWEEP_S, self._sweep)

    async def finish(self) -> None:
        """Send no more, and return when nothing is due."""
        self._is_sending = False
        self._timer.close()
        while self._due:
            self._landed.clear()
            await self._landed.wait()
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in self._idle:
            connection.abort()
        # The transports' own last callbacks.
        await asyncio.sleep(0)

    def _tick(self) -> None:
        """Send what is due by now. A generator that is behind sends all at once, and says by how much it was late."""
        if not self._is_sending:
            return
        now_s = time.monotonic() - self._begin
        while self._next_s <= now_s:
            self._send(Flight(planned_s=self._next_s, late_ms=1000 * (now_s - self._next_s), wire=self._next_wire))
            self._next_s, self._next_wire = next(self._plan)
            now_s = time.monotonic() - self._begin
        self._timer.wake_at(self._begin + self._next_s)

    def _send(self, flight: Flight) -> None:
        self._due[id(flight)] = flight
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                connection.send(flight)
                return
        self._waiting.append(flight)
        if len(self._waiting) > len(self._opening) and self._num_open < self._settings.max_connections:
            self._open_one()

    def _open_one(self) -> None:
        self._num_open += 1
        task = self._loop.create_task(self._connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self) -> None:
        try:
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._on_landed, self._on_lost), self._host, self._port, ssl=self._tls
            )
        except OSError as error:
            self._num_open -= 1
            if self._waiting:
                self._fail(self._waiting.popleft(), error)
            return
        self._is_free(connection)

    def _is_free(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def _on_landed(self, connection: Connection, flight: Flight, status: int, version: str) -> None:
        self._record(flight, status, version)
        self._is_free(connection)

    def _on_lost(self, connection: Connection, flight: Flight | None, error: Exception) -> None:
        self._num_open -= 1
        if flight is not None:
            self._fail(flight, error)
        if self._waiting and self._num_open < self._settings.max_connections:
            self._open_one()

    def _fail(self, flight: Flight, error: Exception) -> None:
        """Status 0 stands for no answer."""
        self._recorder.note_error(error)
        self._record(flight, 0, "")

    def _record(self, flight: Flight, status: int, version: str) -> None:
        del self._due[id(flight)]
        self._recorder.add(
            planned_s=flight.planned_s,
            latency_ms=1000 * (time.monotonic() - self._begin - flight.planned_s),
            late_ms=flight.late_ms,
            status=status,
            version=version,
        )
        if not self._due:
            self._landed.set()

    def _sweep(self) -> None:
        """Give up what is due for too long."""
        overdue_s = time.monotonic() - self._begin - self._settings.timeout_s
        for flight in list(self._due.values()):
            if flight.planned_s > overdue_s:
                break
            if flight.connection is None:
                self._waiting.remove(flight)
            else:
                flight.connection.abort()
            self._fail(flight, TimeoutError(f"no answer within {self._settings.timeout_s:g} s"))
        if self._is_sending or self._due:
            self._loop.call_later(_SWEEP_S, self._sweep)


def _wire(settings: LoadSettings, body: bytes, extra: Mapping[str, str]) -> bytes:
    headers = {
        "authorization": f"Bearer {settings.token}",
        "content-type": "application/json",
        "accept-encoding": "identity",
        **(settings.headers or {}),
        **extra,
    }
    return wire_request(f"/v2/models/{settings.model_name}/infer", urlsplit(settings.url).netloc, headers, body)
