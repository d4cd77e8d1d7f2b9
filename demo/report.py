"""What the demo found, as `report.json`: names here are stable and read by others. `docs/report.md` explains each."""

import os
import platform
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Part):
    """A measured value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Quality(_Part):
    """One number for each of the five models, on the same test rows."""

    deep: float
    distilled: float
    distilled_without_embedding: float
    lightgbm_entity: float
    lightgbm_dfs: float


class QualityIntervals(_Part):
    """`Quality` with intervals."""

    deep: Interval
    distilled: Interval
    distilled_without_embedding: Interval
    lightgbm_entity: Interval
    lightgbm_dfs: Interval


class Parameters(_Part):
    """Trainable parameters."""

    deep: int
    distilled: int


class Requests(_Part):
    """Requests sent through the gateway while releases went on."""

    sent: int
    failed: int
    """Failed for any reason but the bad version's own answers; a lost request counts here."""
    failed_by_bad_version: int
    """Answered with an error by the version that was made to fail."""


class Latency(_Part):
    """Milliseconds from the intended send time to the whole answer, over all successful requests."""

    p50: float
    p99: float


class Split(_Part):
    """Share of requests that reached the newer version, by step."""

    expected: dict[str, float]
    observed: dict[str, float]
    requests: dict[str, int]
    """Requests counted in the step."""


class Rollout(_Part):
    """How the releases ended."""

    promoted: str
    rolled_back: str
    rollback_seconds: float
    """From the verb until the gateway has taken over the route and the bad version has given its last answer."""


class Refresh(_Part):
    """A second batch of embeddings reached the running server."""

    seconds: float
    """From the verb until the server answered with the new batch."""
    failed: int
    """Requests that failed meanwhile."""
    foreign_refused: bool
    """Whether a batch of another deep model was refused."""


class Machine(_Part):
    """Where it ran."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str


class DemoReport(_Part):
    """The whole of `report.json`."""

    tables: dict[str, int]
    """Rows by table."""
    query: str
    rows: dict[str, int]
    """Training-table rows by split."""
    positive_share: float
    """Of the test rows."""
    auroc: Quality
    auroc_intervals: QualityIntervals
    retention: float | None
    """(distilled - lightgbm_entity) / (deep - lightgbm_entity): the part of the deep model's lift that is kept.

    Null where the deep model has none."""
    fidelity: float
    """Spearman correlation of the distilled model's scores with the deep model's, on test rows."""
    parameters: Parameters
    requests: Requests
    latency_ms: Latency
    split: Split
    rollout: Rollout
    refresh: Refresh
    seconds: dict[str, float]
    """Wall clock of each step."""
    versions: dict[str, str]
    """Version -> digest of its Triton repository."""
    machine: Machine


def this_machine() -> Machine:
    """What we run on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return Machine(
        cpu=names[0] if names else platform.processor() or "unknown",
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=platform.platform(terse=True),
        python=platform.python_version(),
    )
