"""Runs of load, steps and turns as the tests need them."""

import numpy as np

from bench.contest import Turn
from bench.step import Step
from bench.sweep import Knee
from serving.load_result import LoadResult


def load_result(latency_ms: list[float], *, rate: float = 100.0, late_ms: float = 0.0, failed: int = 0) -> LoadResult:
    """Requests at even distances, the first `failed` of them without an answer."""
    count = len(latency_ms)
    status = np.full(count, 200, np.int16)
    status[-failed or count :] = 0
    return LoadResult(
        planned_s=np.arange(count) / rate,
        latency_ms=np.array(latency_ms),
        late_ms=np.full(count, late_ms),
        status=status,
        version=np.zeros(count, np.int16),
        versions=("v1",),
        timeout_s=2.0,
    )


def step(rate: float, p99_ms: float | None = 5.0, failed: int = 0) -> Step:
    return Step(
        rate=rate,
        achieved=rate,
        requests=5_000,
        failed=failed,
        p50_ms=2.0,
        p99_ms=p99_ms,
        p99_low_ms=p99_ms,
        p99_high_ms=p99_ms,
        p999_ms=8.0,
        max_ms=9.0,
        late_share=0.0,
        refusal=None if p99_ms is not None else "too few requests",
    )


def turn(rate: float) -> Turn:
    """A round that ended at this rate; 0 is one that held none."""
    if not rate:
        return Turn(knee=Knee(confirmed=None, tried=(step(10, 50.0),)), constant=None)
    return Turn(
        knee=Knee(confirmed=step(rate), tried=(step(rate / 2), step(2 * rate, 50.0), step(rate))), constant=None
    )
