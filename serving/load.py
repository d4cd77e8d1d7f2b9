"""Open-loop load: requests go out at times planned ahead, whatever the endpoint does, and latency counts from there.

A generator that waits for answers slows down with the server and hides the wait; this one does not.
"""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Literal

import aiohttp
import numpy as np

from serving.load_result import LoadRecorder, LoadResult
from serving.release_match import ENTITY_HEADER

_CHUNK = 4096
_LEAD_S = 0.05
"""Between the start and the first planned request."""


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
    arrivals: Literal["poisson", "constant"] = "poisson"
    """Independent callers arrive as a Poisson process; evenly spaced requests flatter the tail."""
    seed: int = 0
    timeout_s: float = 10.0
    """A request without an answer by then has failed."""
    max_connections: int = 512
    """Far above what is needed: waiting for a connection would close the loop."""

    def __post_init__(self) -> None:
        assert self.rate_per_s > 0, f"rate must be positive (got {self.rate_per_s})"
        assert self.timeout_s > 0, f"timeout must be positive (got {self.timeout_s})"


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
            bodies: V2 JSON bodies, sent in turn.
            entities: whom each body is about, as the endpoint's header has it (`client.entity_value`); None says
                nothing about it.
        """
        assert bodies, "no bodies to send"
        named = [{} if entities is None else {ENTITY_HEADER: entity} for entity in entities or [""] * len(bodies)]
        self._settings, self._requests = settings, list(zip(bodies, named, strict=True))
        self._recorder = LoadRecorder(timeout_s=settings.timeout_s)
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
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

    def run_for(self, duration_s: float) -> LoadResult:
        """Start, send for so long, and stop."""
        self.start()
        self._thread.join(duration_s)
        return self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._generate())
        except BaseException as error:
            self._failure = error
        finally:
            self._begun.set()

    async def _generate(self) -> None:
        settings = self._settings
        self._loop = asyncio.get_running_loop()
        context = ssl.create_default_context(cafile=str(settings.ca_path) if settings.ca_path else None)
        async with aiohttp.ClientSession(
            base_url=settings.url,
            connector=aiohttp.TCPConnector(limit=settings.max_connections, ssl=context),
            timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
            headers={
                "authorization": f"Bearer {settings.token}",
                "content-type": "application/json",
                "accept-encoding": "identity",
            },
        ) as session:
            self._begun.set()
            await self._send_all(session)

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        begin = time.perf_counter() + _LEAD_S
        path = f"/v2/models/{self._settings.model_name}/infer"
        due: set[asyncio.Task[None]] = set()
        stopped = asyncio.create_task(self._stop.wait())
        requests = cycle(self._requests)
        for planned_s, (body, headers) in zip(arrival_times_s(self._settings), requests, strict=False):
            wait_s = begin + planned_s - time.perf_counter()
            # A generator that is behind still lets the answers in, but plans nothing anew.
            if wait_s > 0:
                await asyncio.wait([stopped], timeout=wait_s)
            else:
                await asyncio.sleep(0)
            if stopped.done():
                break
            task = asyncio.create_task(self._send(session, path, body, headers, planned_s, begin))
            due.add(task)
            task.add_done_callback(due.discard)
        stopped.cancel()
        await asyncio.gather(*due)

    async def _send(
        self,
        session: aiohttp.ClientSession,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        planned_s: float,
        begin: float,
    ) -> None:
        """One request; status 0 stands for no answer."""
        late_ms = 1000 * (time.perf_counter() - begin - planned_s)
        status, version = 0, ""
        try:
            async with session.post(path, data=body, headers=headers) as answer:
                await answer.read()
                status, version = answer.status, answer.headers.get("x-stillhouse-version", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._recorder.note_error(error)
        latency_ms = 1000 * (time.perf_counter() - begin - planned_s)
        self._recorder.add(planned_s=planned_s, latency_ms=latency_ms, late_ms=late_ms, status=status, version=version)
