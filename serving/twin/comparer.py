"""Takes copies of requests, asks the stable version and another one, a shadow or a candidate, and keeps what both said.

Envoy copies requests to it as to the shadow itself and waits for neither, so that no caller ever notices. It takes one
copy at a time and paces itself; Envoy drops those that come meanwhile, whatever is in them.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, generate_latest

from serving.signals.names import PAIRS
from serving.twin.pairs import OUTCOMES, Answer, Outcome, Pair, read_answer

_LABELS = ("stable", "shadow", "outcome")
_LARGEST_BYTES = 16 * 1024 * 1024
"""Of a file of pairs; one older file is kept beside it."""
PROBE_ID = "stillhouse-probe"
"""Id of a request whose score a model does not count: what is asked for a comparison is nobody's traffic."""
_BINARY = "inference-header-content-length"
_HOP_HEADERS = ("content-type", "content-encoding", _BINARY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Who is compared, and where their Tritons listen."""

    stable: str
    shadow: str
    """The other one: a shadow, or the candidate."""
    ports: Mapping[str, int]


class Comparer:
    """One a twin; compares nobody until it is told whom."""

    def __init__(self, session: aiohttp.ClientSession, *, folder: Path, tolerance: float, pairs_per_s: float) -> None:
        self.port = 0
        self.compared: Compared | None = None
        self._session, self._folder = session, folder
        self._tolerance, self._pause_s = tolerance, 1 / pairs_per_s
        self._registry = CollectorRegistry()
        self._pairs = Counter(PAIRS, "pairs of answers to the same request", _LABELS, registry=self._registry)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        application = web.Application(client_max_size=2**30)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()

    def compare(self, compared: Compared | None) -> None:
        """From now on these; None is nobody."""
        self.compared = compared
        if compared is not None:
            for outcome in OUTCOMES:
                self._pairs.labels(compared.stable, compared.shadow, outcome)

    def counts(self, compared: Compared) -> dict[Outcome, int]:
        """Pairs since the twin came up."""
        names = [(outcome, (compared.stable, compared.shadow, outcome)) for outcome in OUTCOMES]
        return {outcome: int(self._pairs.labels(*labels)._value.get()) for outcome, labels in names}

    def file(self, compared: Compared) -> Path:
        """One JSON line a pair."""
        return self._folder / f"{compared.stable}-{compared.shadow}.jsonl"

    async def _take(self, request: web.Request) -> web.Response:
        compared = self.compared
        begin = asyncio.get_running_loop().time()
        body = await request.read()
        if compared is not None:
            body = uncounted(body) if _BINARY not in request.headers else body
            headers = {name: value for name in _HOP_HEADERS if (value := request.headers.get(name))}
            stable, shadow = await asyncio.gather(
                *(
                    self._ask(compared.ports[name], request.path, headers, body)
                    for name in (compared.stable, compared.shadow)
                )
            )
            pair = Pair(
                request_id=request.headers.get("x-request-id", ""),
                stable=stable,
                shadow=shadow,
                tolerance=self._tolerance,
            )
            self._pairs.labels(compared.stable, compared.shadow, pair.outcome).inc()
            self._write(compared, pair)
        # The only place for a copy stays taken until the next one may come.
        await asyncio.sleep(begin + self._pause_s - asyncio.get_running_loop().time())
        return web.Response(status=204)

    async def _ask(self, port: int, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._session.post(f"http://127.0.0.1:{port}{path}", data=body, headers=headers) as answer:
                return read_answer(answer.status, await answer.read())
        return Answer(status=0, score=None)

    def _write(self, compared: Compared, pair: Pair) -> None:
        path = self.file(compared)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LARGEST_BYTES:
            path.replace(path.with_suffix(".old.jsonl"))
        entry = {
            "time": datetime.now(UTC).isoformat(),
            "request_id": pair.request_id,
            "outcome": pair.outcome,
            "stable": {"status": pair.stable.status, "score": pair.stable.score},
            "shadow": {"status": pair.shadow.status, "score": pair.shadow.score},
            "difference": pair.difference,
        }
        with path.open("a") as stream:
            stream.write(json.dumps(entry) + "\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), content_type="text/plain")


def uncounted(body: bytes) -> bytes:
    """The same request under the probe's id; what is no JSON object stays as it is."""
    try:
        asked = json.loads(body)
    except ValueError:
        return body
    return json.dumps({**asked, "id": PROBE_ID}).encode() if isinstance(asked, dict) else body
