"""One connection of the load generator: writes prepared requests, reads the status and the version that answered."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import httptools

_VERSION_HEADER = b"x-stillhouse-version"


@dataclass(kw_only=True, slots=True)
class Flight:
    """A request under way."""

    planned_s: float
    """Since the start of the run."""
    late_ms: float
    wire: bytes
    """Everything that is sent."""
    connection: "Connection | None" = None
    """None while it waits for one."""


Landed = Callable[["Connection", Flight, int, str], None]
Lost = Callable[["Connection", Flight | None, Exception], None]


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, kept open."""

    def __init__(self, landed: Landed, lost: Lost) -> None:
        self._landed, self._lost = landed, lost
        self._transport: asyncio.Transport | None = None
        self._flight: Flight | None = None
        self._version = ""
        self._parser = httptools.HttpResponseParser(self)

    def send(self, flight: Flight) -> None:
        """Write the request; `landed` is called at the end of the answer."""
        assert self._transport is not None
        assert self._flight is None, "one request at a time"
        self._flight = flight
        flight.connection = self
        self._transport.write(flight.wire)

    def abort(self) -> None:
        """Break it off; `lost` is not told of the request that was under way."""
        self._flight = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Asyncio's."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's."""
        self._end(exc or ConnectionResetError("the server closed the connection"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser's."""
        if name.lower() == _VERSION_HEADER:
            self._version = value.decode("latin-1")

    def on_message_complete(self) -> None:
        """The parser's."""
        flight, version = self._flight, self._version
        status, stays = self._parser.get_status_code(), self._parser.should_keep_alive()
        self._flight, self._version = None, ""
        if flight is None:
            return
        if not stays and self._transport is not None:
            self._transport.close()
        self._landed(self, flight, status, version)

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def _end(self, error: Exception) -> None:
        flight, self._flight = self._flight, None
        self._lost(self, flight, error)


def wire_request(path: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as HTTP/1.1 carries it."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1") + body
