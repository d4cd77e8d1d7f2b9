"""What a running twin says about itself."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Health = Literal["starting", "ready", "unready", "crashed", "draining", "stopped"]


class _Status(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProcessStatus(_Status):
    """A child of the supervisor."""

    name: str
    health: Health
    pid: int | None
    """None while it is down."""
    restarts: int
    last_exit: str | None
    """Why it was last down, e.g. `killed by SIGKILL`; None if it never was."""


class VersionStatus(_Status):
    """A version of the model: what it should get, and what Envoy measured over the last seconds."""

    version: str
    digest: str
    weight: int
    """Percent by the routes that Envoy has taken over; 0 while it drains."""
    process: ProcessStatus
    port: int
    metrics_port: int
    requests: int
    """Answered or failed since Envoy started."""
    errors: int
    """5xx among them, failed connections included."""
    request_rate: float | None
    """Per second over the window; None before there are two samples."""
    share: float | None
    """Of all requests of the window, 0 to 1; None without requests."""
    error_share: float | None
    """Of this version's requests of the window, 0 to 1; None without requests."""
    p50_ms: float | None
    """From Envoy to the model and back, over Envoy's last statistics interval; None without requests.

    Envoy counts whole milliseconds: 0 means less than one.
    """
    p99_ms: float | None


class ComparisonStatus(_Status):
    """Answers of the stable version and the shadow, or the candidate, to the same requests, since the twin came up."""

    stable: str
    shadow: str
    agreed: int
    disagreed: int
    shadow_failed: int
    stable_failed: int
    path: str
    """One JSON line a pair."""


class Event(_Status):
    """Something that happened to the twin."""

    when: datetime
    text: str


class TwinStatus(_Status):
    """The whole twin."""

    phase: Literal["starting", "ready", "stopping"]
    pid: int
    endpoint: str
    url: str
    """`https://localhost:<port>`, which never changes while the twin is up."""
    model_name: str
    ca_path: str
    admin_url: str
    release: str
    """In words, e.g. `v1 90 %, v2 10 %`."""
    last_error: str | None
    """Why the newest release file was not taken over; None when it was."""
    gateway_error: str | None
    """What Envoy refused of that which lies in its folder, so that it goes on with what it had; None when nothing."""
    prometheus_url: str
    """Where the evidence is; on loopback."""
    envoy: ProcessStatus
    prometheus: ProcessStatus
    versions: tuple[VersionStatus, ...]
    comparison: ComparisonStatus | None
    """None without a shadow."""
    events: tuple[Event, ...]
    """The newest last."""
