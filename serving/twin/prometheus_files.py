"""Where a twin's processes listen -> Prometheus's configuration, its lists of targets and its options; all of it pure.

Targets come and go with versions, so they lie in files of their own, which Prometheus watches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.signals.names import GATEWAY_JOB, MODEL_ENDPOINT, MODEL_VERSION, MODELS_JOB, PAIRS_JOB

Json = dict[str, Any]
_LOOPBACK = "127.0.0.1"
_KEPT = (
    r"^(cluster\.[^.]+\.(upstream_rq_.*|upstream_cx_(active|total|connect_fail|connect_timeout|overflow)"
    r"|health_check\.(healthy|failure)|membership_(healthy|total)|circuit_breakers\..*|outlier_detection\..*)"
    r"|http\.endpoint\.(downstream_rq_.*|downstream_cx_(active|total)|rds\..*\.update_.*|jwt_authn\..*|rbac\..*)"
    r"|endpoint\.http_local_rate_limit\..*|cluster_manager\.cds\.update_.*|server\.(live|uptime|memory_allocated))$"
)
"""Of the more than thousand statistics of an Envoy, by its own names."""
_LARGEST_MB = 512
"""Of the stored samples; the oldest go first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """What is scraped; all on loopback."""

    endpoint: str
    gateway_port: int
    """Envoy's admin interface."""
    model_ports: Mapping[str, int]
    """Version -> where its Triton tells its metrics."""
    pairs_port: int | None = None
    """Where pairs of answers are counted; None where nobody compares."""

    def files(self) -> dict[str, list[Json]]:
        """Job -> the contents of its list."""
        here = {MODEL_ENDPOINT: self.endpoint}
        models = [_group(port, {**here, MODEL_VERSION: version}) for version, port in sorted(self.model_ports.items())]
        pairs = [] if self.pairs_port is None else [_group(self.pairs_port, here)]
        return {GATEWAY_JOB: [_group(self.gateway_port, here)], MODELS_JOB: models, PAIRS_JOB: pairs}


def prometheus_config(folder: Path, *, scrape_interval_s: float) -> Json:
    """The whole configuration; JSON is YAML.

    Args:
        folder: holds the lists of targets, `<job>.json`.
        scrape_interval_s: at least a millisecond.
    """
    interval = f"{round(1000 * scrape_interval_s)}ms"
    return {
        # Whoever answers too late for the next scrape is not waited for.
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [
            _scrape(GATEWAY_JOB, folder, path="/stats/prometheus") | {"params": {"filter": [_KEPT]}},
            _scrape(MODELS_JOB, folder, path="/metrics"),
            _scrape(PAIRS_JOB, folder, path="/metrics"),
        ],
    }


def prometheus_options(*, config: Path, data: Path, port: int, kept_hours: int) -> list[str]:
    """Of its command line."""
    options = {
        "config.file": config,
        "storage.tsdb.path": data,
        "storage.tsdb.retention.time": f"{kept_hours}h",
        "storage.tsdb.retention.size": f"{_LARGEST_MB}MB",
        "web.listen-address": f"{_LOOPBACK}:{port}",
        "log.level": "warn",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def _scrape(job: str, folder: Path, *, path: str) -> Json:
    files = [str(folder / f"{job}.json")]
    return {
        "job_name": job,
        "metrics_path": path,
        "file_sd_configs": [{"files": files, "refresh_interval": "5s"}],
        # Only loopback is ever scraped; a redirect would lead elsewhere.
        "follow_redirects": False,
        "sample_limit": 20_000,
    }


def _group(port: int, labels: Json) -> Json:
    return {"targets": [f"{_LOOPBACK}:{port}"], "labels": labels}
