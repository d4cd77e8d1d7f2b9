"""What `runs/bench/report.json` holds: stable names, each part there once it was measured."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

REPORT_FILE = "report.json"
Ratio = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(_Part):
    """The highest rate that was held."""

    rate: float = Field(ge=0)
    """Requests a second, the median of the rounds; 0 where no rate was held."""
    rates: tuple[float, ...] = Field(min_length=1)
    """Of the rounds, in order."""
    p50_ms: float | None
    """This and the rest: of the longer run at the median round's rate; None where it may not be quoted."""
    p99_ms: float | None
    p99_interval_ms: tuple[float, float] | None
    """95 %, by order statistics."""
    p999_ms: float | None
    failed: int
    requests: int


class Endpoint(Rate):
    """The exported model through TLS, token, gateway and Triton."""

    constant_p99_ms: float | None
    """At the same rate with evenly spaced arrivals."""


class Held(_Part):
    """One rate that the endpoint held, as `stillhouse plan` reads it."""

    qps: float
    p99_ms: float


class Disturbance(_Part):
    """Something that happens to a running endpoint under load."""

    failed: int
    """Requests without a good answer in the ten seconds around it, of all repetitions."""
    p99_ratio: float | None
    """p99 of these ten seconds by that of the ten before; the median of the repetitions."""
    p999_ms: float | None
    max_ms: float | None
    requests: int


class Transport(_Part):
    """A way to send requests about so many entities each, in a closed loop of eight callers."""

    rate: float = Field(ge=0)
    """Requests a second, the median of the rounds."""
    entities_per_second: float = Field(ge=0)
    p99_ms: float | None
    """Of all rounds' requests; None where they are too few."""
    requests: int
    failed: int
    generator_us: float
    """This and the next: processor microseconds a request."""
    gateway_us: float | None
    """None where requests go to Triton's own port."""
    triton_us: float


class Checked(_Part):
    """One rate of one replica, measured and as the model has it."""

    rate: float
    load: float
    """Share of the cores that were busy."""
    p50_ms: float | None
    p99_ms: float | None
    model_p50_ms: float | None
    model_p99_ms: float | None
    """None where the model's cores are full."""


class ScalingModel(_Part):
    """A queueing model; nothing here but `checks` was measured at more than one replica's rate."""

    server_us: float
    """Processor time of gateway and replica a request, at the highest rate that was checked."""
    generator_us: float
    variation: float
    fixed_ms: float
    checks: tuple[Checked, ...]
    pods: int
    pod_cores: int
    margin: float
    """How far the measured p99 was above the model's at worst; at least 1."""
    rate: float
    """Requests a second that so many pods would hold, by the model, at the bound divided by the margin."""


class Report(_Part):
    """Everything; a part that was not measured is left out."""

    machine: str
    measured: dict[str, str] = {}
    """Part -> when it was measured, and how busy the machine was."""
    bound_ms: float = Field(gt=0)
    endpoint: Endpoint | None = None
    limit: Rate | None = None
    ratio_to_limit: Ratio | None = None
    """The median of the rounds' own ratios."""
    ratio_to_limit_range: tuple[float, float] | None = None
    peers: dict[str, Rate] = {}
    ratio_to_best_peer: Ratio | None = None
    ratio_to_best_peer_range: tuple[float, float] | None = None
    best_peer: str | None = None
    microseconds: dict[str, float] = {}
    """Part -> processor time of a request."""
    transports: dict[str, dict[str, Transport]] = {}
    """`json`, `binary`, `grpc` -> entities a request -> how fast."""
    scaling: dict[str, Rate | ScalingModel] = {}
    """Replicas behind one gateway on the same cores -> their rate; `model` -> the queueing model."""
    disturbances: dict[str, Disturbance] = {}
    cold_start_seconds: float | None = None
    """From the start of Triton's process to the first answer."""
    cold_start_steps: dict[str, float] = {}
    """Seconds of each."""
    first_hundred_ratio: float | None = None
    """Median latency of the first hundred answers by that of later ones."""
    usd_per_million: dict[str, float] = {}
    """Tier -> dollars for a million predictions."""
    usd_assumptions: str | None = None
    steps: tuple[Held, ...] = ()
    """Every rate that the endpoint held, of all rounds."""


def write_report(report: Report, folder: Path) -> Path:
    """Write `report.json`, parts that are not there left out."""
    path = folder / REPORT_FILE
    content = report.model_dump(mode="json", exclude_defaults=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def read_report(folder: Path) -> Report | None:
    """What was measured before; None where nothing was, or another form was written."""
    path = folder / REPORT_FILE
    return Report.model_validate_json(path.read_text()) if path.exists() else None
