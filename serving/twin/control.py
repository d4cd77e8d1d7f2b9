"""The supervisor's control protocol: one JSON line there, one JSON line back, over a unix socket."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from model.errors import UserError

Verb = Literal["status", "reconcile", "refresh", "rotate", "stop"]
Handle = Callable[[Verb, dict[str, Any]], Awaitable[dict[str, Any]]]


async def serve_control(path: Path, handle: Handle) -> asyncio.Server:
    """Answer on the socket until the server is closed; the user's errors go back as such."""
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            request = json.loads(await reader.readline() or "{}")
            writer.write(json.dumps(await _outcome(handle, request)).encode() + b"\n")
            await writer.drain()
        writer.close()

    endpoint = socket.socket(socket.AF_UNIX)
    with _short(path) as address:
        endpoint.bind(address)
    path.chmod(0o600)
    return await asyncio.start_unix_server(answer, sock=endpoint)


def call(path: Path, verb: Verb, /, *, within_s: float, **arguments: str) -> dict[str, Any]:
    """Ask the supervisor.

    Raises:
        UserError: what the supervisor says the user can mend.
        ConnectionError, FileNotFoundError, TimeoutError: nobody answers.
    """
    with socket.socket(socket.AF_UNIX) as endpoint, _short(path) as address:
        endpoint.settimeout(within_s)
        endpoint.connect(address)
        endpoint.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
        with endpoint.makefile() as stream:
            line = stream.readline()
    if not line:
        raise ConnectionResetError("the supervisor went away")
    outcome: dict[str, Any] = json.loads(line)
    if "error" in outcome:
        raise UserError(outcome["error"], hint=outcome["hint"])
    answer: dict[str, Any] = outcome["answer"]
    return answer


async def _outcome(handle: Handle, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": await handle(request.pop("verb"), request)}
    except UserError as error:
        return {"error": error.args[0], "hint": error.hint}
    except Exception as error:
        logging.getLogger(__name__).exception("a verb failed")
        return {"error": f"{type(error).__name__}: {error}", "hint": "the supervisor's log has the whole story"}


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The socket by its folder's descriptor: a unix address holds 107 bytes at most, a path may be longer."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
