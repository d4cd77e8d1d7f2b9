"""Prometheus as a program of the twin: how it is started, when it is ready, and how it learns whom to scrape."""

import json
import os
from asyncio.subprocess import Process
from pathlib import Path

import aiohttp

from model.errors import UserError
from serving.twin.paths import TwinPaths, find_prometheus
from serving.twin.process import free_port, log_tail, start_child
from serving.twin.programs import EndedError, wait_until_ready
from serving.twin.prometheus_files import Targets, prometheus_config, prometheus_options
from serving.twin.settings import TwinSettings

_PORT_ATTEMPTS = 3
_PORT_TAKEN = "address already in use"


class PrometheusProgram:
    """Scrapes Envoy and every Triton; once it has a port it keeps it, and its samples outlive it."""

    name = "prometheus"

    def __init__(self, *, settings: TwinSettings, paths: TwinPaths, session: aiohttp.ClientSession) -> None:
        self._settings, self._paths, self._session = settings, paths, session
        self._binary = find_prometheus(settings.prometheus_binary)
        self.port = settings.prometheus_port or free_port()

    @property
    def url(self) -> str:
        """On loopback only."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Process:
        """Start it with the targets that lie in its folder, on another port if its own is taken.

        Raises:
            UserError: it ended or did not get ready in time; with the end of its log.
        """
        for _ in range(_PORT_ATTEMPTS):
            log = self._paths.log(self.name)
            begin = log.stat().st_size if log.exists() else 0
            # It scrapes little; more threads would only take the models' cores.
            environment = {**os.environ, "GOMAXPROCS": "1"}
            process = await start_child(self._command(), log=log, environment=environment, folder=self._paths.logs)
            try:
                await wait_until_ready(process, self._is_ready, self._settings.start_timeout_s)
            except (EndedError, TimeoutError) as error:
                said = log_tail(log, begin=begin)
                if _PORT_TAKEN not in said or self._settings.prometheus_port:
                    raise UserError(
                        f"{self.name} did not come up: {error}\n{said}", hint=f"its whole log is `{log}`"
                    ) from error
                self.port = free_port()
            else:
                return process
        raise UserError(f"{self.name} found its port taken {_PORT_ATTEMPTS} times")

    def complaint(self) -> str:
        """Prometheus is good as long as it runs."""
        return ""

    async def stopped(self) -> None:
        """Its samples stay."""

    async def _is_ready(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/-/ready") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _command(self) -> list[str]:
        folder = self._paths.prometheus
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "prometheus.json"
        written = prometheus_config(folder, scrape_interval_s=self._settings.scrape_interval_s)
        config.write_text(json.dumps(written, indent=1))
        options = prometheus_options(
            config=config, data=folder / "data", port=self.port, kept_hours=self._settings.metrics_kept_hours
        )
        return [str(self._binary), *options]


def write_targets(folder: Path, targets: Targets) -> None:
    """Rename the lists into place; Prometheus notices, and takes them over within five seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    for job, groups in targets.files().items():
        draft = folder / f".{job}.{os.getpid()}"
        draft.write_text(json.dumps(groups, indent=1))
        draft.replace(folder / f"{job}.json")
