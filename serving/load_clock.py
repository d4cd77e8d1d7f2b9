"""Wakes an event loop at planned moments, to the microsecond: event loops of their own round up to milliseconds."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_NON_BLOCKING = os.O_NONBLOCK
_ABSOLUTE = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class PreciseTimer:
    """Calls back once for each `wake_at`, on the loop's thread; Linux's timerfd."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop, self._callback = loop, callback
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NON_BLOCKING)
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
        self._when = _Itimerspec()
        loop.add_reader(self._descriptor, self._rings)

    def wake_at(self, time_s: float) -> None:
        """At `time.monotonic()`'s `time_s`, or at once where that has passed; replaces what was planned."""
        seconds = max(time_s, time.monotonic() + 1e-6)
        self._when.value.seconds = int(seconds)
        self._when.value.nanoseconds = int(1e9 * (seconds % 1))
        self._libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(self._when), None)

    def close(self) -> None:
        """Plan nothing more."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _rings(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # planned anew between the ring and this
            return
        self._callback()
