"""Waits for a condition with a deadline, where nothing tells that it came true; does what must not stop midway."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_INTERVAL_S = 0.02


async def until(condition: Callable[[], Awaitable[T | None]], *, within_s: float, what: str) -> T:
    """The first answer of `condition` that is neither None nor False.

    Raises:
        TimeoutError: `what` did not come true within `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while True:
        answer = await condition()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {within_s:g} s")
        await asyncio.sleep(_INTERVAL_S)


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end even when the caller is cancelled; the cancellation comes through afterwards."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
