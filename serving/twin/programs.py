"""The two programs of a twin, Triton and Envoy: how each is started, and when it counts as ready."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from model.errors import UserError
from serving.signals.buckets import latency_buckets_ms
from serving.twin.envoy import bootstrap
from serving.twin.envoy_admin import EnvoyAdmin
from serving.twin.envoy_listener import Gateway
from serving.twin.paths import TritonInstallation, TwinPaths, find_envoy
from serving.twin.process import describe_exit, kill_child, log_tail, start_child
from serving.twin.settings import TwinSettings
from serving.twin.triton import Repository, TritonLaunch, TritonPorts, clear_shared_memory, is_ready
from serving.twin.waiting import until

_PORT_ATTEMPTS = 3
_PORT_TAKEN = (
    "Address already in use",
    "failed to start HTTP service",
    "failed to start GRPC service",
    "failed to start Metrics service",
)


class TritonProgram:
    """One version's Triton; the ports stay the same from start to start unless someone took them."""

    def __init__(
        self,
        repository: Repository,
        *,
        settings: TwinSettings,
        paths: TwinPaths,
        installation: TritonInstallation,
        session: aiohttp.ClientSession,
    ) -> None:
        self.name = f"triton-{repository.version}"
        self._settings, self._paths, self._session = settings, paths, session
        self._model_processes: list[psutil.Process] = []
        self.launch = TritonLaunch(
            repository=repository,
            ports=TritonPorts.free(),
            installation=installation,
            backends=paths.backends,
            embeddings=paths.embeddings / repository.version,
            http_threads=settings.triton_http_threads,
        )

    async def start(self) -> Process:
        """Start it, on other ports if these are taken.

        Raises:
            UserError: it ended or did not get ready in time; with the end of its log.
        """
        for _ in range(_PORT_ATTEMPTS):
            log = self._paths.log(self.name)
            begin = log.stat().st_size if log.exists() else 0
            process = await start_child(
                self.launch.command(), log=log, environment=self.launch.environment(), folder=self._paths.logs
            )
            try:
                await wait_until_ready(
                    process, lambda: is_ready(self._session, self.launch), self._settings.start_timeout_s
                )
            except (EndedError, TimeoutError) as error:
                said = log_tail(log, begin=begin)
                if not any(words in said for words in _PORT_TAKEN):
                    raise UserError(
                        f"{self.name} did not come up: {error}\n{said}", hint=f"its whole log is `{log}`"
                    ) from error
                self.launch = replace(self.launch, ports=TritonPorts.free())
            else:
                self._model_processes = psutil.Process(process.pid).children(recursive=True)
                return process
            finally:
                if process.returncode is not None:
                    await self.stopped()
        raise UserError(f"{self.name} found its ports taken {_PORT_ATTEMPTS} times")

    def complaint(self) -> str:
        """A dead model process: Triton fails all requests then, for good, and still says that the model is ready."""
        dead = [member.pid for member in self._model_processes if not _lives(member)]
        return f"the model's process {dead[0]} ended" if dead else ""

    async def stopped(self) -> None:
        """Free the shared memory that a killed Triton left."""
        clear_shared_memory(self.launch.shared_memory_prefix)


class EnvoyProgram:
    """The gateway; once it has its ports it keeps them."""

    name = "envoy"

    def __init__(self, *, settings: TwinSettings, paths: TwinPaths, session: aiohttp.ClientSession) -> None:
        self._settings, self._paths, self._session = settings, paths, session
        self._binary = find_envoy(settings.envoy_binary)
        self.port, self.admin_port = settings.port, settings.admin_port
        self.model_name = ""
        """Set before the start."""

    @property
    def admin(self) -> EnvoyAdmin:
        """A client of the running process."""
        return EnvoyAdmin(session=self._session, port=self.admin_port)

    async def start(self) -> Process:
        """Start it with the configuration files that lie in its folder.

        Raises:
            UserError: it ended or did not get live in time; with the end of its log.
        """
        address, log = self._paths.folder / "envoy-admin-address", self._paths.log(self.name)
        address.unlink(missing_ok=True)
        begin = log.stat().st_size if log.exists() else 0
        process = await start_child(
            self._command(address),
            log=log,
            environment=os.environ,
            folder=self._paths.logs,
            on_parent_death=signal.SIGKILL,
        )
        try:
            await wait_until_ready(process, lambda: self._live(address), self._settings.start_timeout_s)
        except (EndedError, TimeoutError) as error:
            raise UserError(
                f"{self.name} did not come up: {error}\n{log_tail(log, begin=begin)}",
                hint=f"its whole log is `{log}`; a port that is taken can be left out to get a free one",
            ) from error
        self.port = await self.admin.listener_port()
        return process

    def complaint(self) -> str:
        """Envoy is good as long as it runs."""
        return ""

    async def stopped(self) -> None:
        """Leaves nothing behind."""

    async def _live(self, address: Path) -> bool:
        if not address.exists() or ":" not in (text := address.read_text()):
            return False
        self.admin_port = int(text.rsplit(":", 1)[1])
        return await self.admin.is_live()

    def _command(self, address: Path) -> list[str]:
        path = self._paths.folder / "bootstrap.json"
        started_from = bootstrap(
            self._paths,
            self._gateway(),
            admin_port=self.admin_port,
            buckets_ms=latency_buckets_ms(self._settings.latency_goal_ms),
        )
        path.write_text(json.dumps(started_from, indent=1))
        options: dict[str, Any] = {
            "--config-path": path,
            "--admin-address-path": address,
            "--concurrency": self._settings.envoy_workers,
            "--log-level": "warning",
            "--file-flush-interval-msec": 500,
        }
        pairs = [str(part) for option in options.items() for part in option]
        return [str(self._binary), "--disable-hot-restart", *pairs]

    def _gateway(self) -> Gateway:
        return Gateway(
            port=self.port,
            xds=self._paths.xds,
            access_log=self._paths.access_log,
            model_name=self.model_name,
            max_body_bytes=self._settings.max_body_bytes,
            max_requests_per_s=self._settings.max_requests_per_s,
            receive_timeout_s=self._settings.receive_timeout_s,
            check_json=self._settings.check_json,
            fallback_score=self._settings.fallback_score,
        )


class EndedError(Exception):
    """The process ended before it was ready."""


async def wait_until_ready(process: Process, condition: Callable[[], Awaitable[bool]], within_s: float) -> None:
    """Return when the process is ready; otherwise end it and raise what happened."""

    async def ready_or_ended() -> bool:
        if process.returncode is not None:
            raise EndedError(describe_exit(process.returncode))
        return await condition()

    try:
        await until(ready_or_ended, within_s=within_s, what="ready")
    except BaseException:
        await asyncio.shield(kill_child(process))
        raise


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
