"""Waits for a condition with a deadline."""

import time
from collections.abc import Callable

import psutil


def wait_for(condition: Callable[[], bool], *, within_s: float = 60.0, what: str = "the condition") -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {within_s:g} s"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
