"""How many requests a second the workers answer within the latency goal: measured points, each with where it is from.

Nothing is made up between and beyond measured points: more pods than were measured count as the largest number.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from stacks.settings.settings import Settings

Pool = Literal["cpu", "gpu"]
BENCH_REPORT = Path("runs/bench/report.json")
"""Figures that a benchmark of this checkout measured, where it has run."""

_REFERENCE = (
    "reference figures: one pod on a g6.4xlarge (one L4), open loop, 3 minutes a step, measured at the client with "
    "TLS, ingress and auth; "
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One measured load that was held without errors."""

    pods: int
    qps: float
    """Of all pods together."""
    p99_ms: float
    source: str


GPU_MEASURED = (
    Measured(pods=1, qps=1_000, p99_ms=75, source=_REFERENCE + "1,000 QPS held at p99 75 ms; 1,100 QPS crossed 100 ms"),
    Measured(pods=8, qps=6_400, p99_ms=92, source=_REFERENCE + "800 QPS a pod held from 1 to 8 pods, p99 92 ms with 8"),
)
CPU_MEASURED = (
    Measured(
        pods=1,
        qps=1_900,
        p99_ms=29,
        source="measured on 2 cores that the load generator shared: Triton's Python backend, numpy batched over "
        "requests, 13 inputs of 1.7 to 3.8 KB JSON, 32 connections, closed loop, no gateway; an m5.2xlarge has 8 vCPU "
        "and was not measured",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """What a number of pods answers within the goal."""

    pool: Pool
    pods: int
    qps: float | None
    """Requests a second; None: no measured figure is within the goal."""
    p99_ms: float | None
    source: str


def capacity(settings: Settings, *, pool: Pool, pods: int, bench: Path = BENCH_REPORT) -> Capacity:
    """What `pods` predictor pods, one a node, answer within the stack's latency goal."""
    points = GPU_MEASURED if pool == "gpu" else cpu_points(bench)
    return of_points(points, pool=pool, pods=pods, goal_ms=settings.serving.latency_goal_ms)


def of_points(points: tuple[Measured, ...], *, pool: Pool, pods: int, goal_ms: float) -> Capacity:
    """The largest measured load that this many pods are known to hold within the goal."""
    if pods == 0:
        return Capacity(pool=pool, pods=0, qps=0, p99_ms=None, source="no pods")
    within = [point for point in points if point.p99_ms <= goal_ms]
    if not within:
        fastest = min(points, key=lambda point: point.p99_ms)
        words = f"no figure: the fastest measured p99 is {fastest.p99_ms:g} ms, the goal {goal_ms:g} ms"
        return Capacity(pool=pool, pods=pods, qps=None, p99_ms=None, source=words)
    best = max(within, key=lambda point: _held_by(point, pods))
    beyond = f"; more than {best.pods} pods were not measured" if pods > best.pods else ""
    return Capacity(pool=pool, pods=pods, qps=_held_by(best, pods), p99_ms=best.p99_ms, source=best.source + beyond)


def _held_by(point: Measured, pods: int) -> float:
    """A point's load per pod was held from one pod up to its own number of pods."""
    return point.qps / point.pods * min(pods, point.pods)


def cpu_points(bench: Path) -> tuple[Measured, ...]:
    """Points of this checkout's own benchmark; the cited ones where it has not run, or wrote another form."""
    if not bench.exists():
        return CPU_MEASURED
    try:
        report = json.loads(bench.read_text())
        points = tuple(
            Measured(
                pods=1, qps=float(step["qps"]), p99_ms=float(step["p99_ms"]), source=f"{bench}, {report['machine']}"
            )
            for step in report["steps"]
        )
    except (KeyError, TypeError, ValueError):
        points = ()
    unread = f"{bench} was not read: it lacks `machine` or `steps` with `qps` and `p99_ms`"
    return points or tuple(replace(point, source=f"{point.source}; {unread}") for point in CPU_MEASURED)
