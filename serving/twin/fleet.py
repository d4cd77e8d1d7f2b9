"""The versions that have a Triton process: started, counted off for Envoy, ended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from model.errors import UserError
from serving.release import Release
from serving.twin.embeddings import forget_foreign
from serving.twin.envoy import Upstream
from serving.twin.keeper import Keeper
from serving.twin.paths import TritonInstallation, TwinPaths
from serving.twin.programs import TritonProgram
from serving.twin.settings import TwinSettings
from serving.twin.triton import Repository, check_repository

_STOP_S = 5.0


@dataclass(kw_only=True, slots=True)
class Version:
    """A version that has a process."""

    repository: Repository
    program: TritonProgram
    keeper: Keeper
    retiring: asyncio.Task[None] | None = None
    """Waits until it is quiet; set while the version has no weight."""


def running(release: Release) -> tuple[str, ...]:
    """Versions that need a process: stable, candidate, shadow, and the one before, so that the way back is short.

    On a cluster some more are kept warm; here they would only take the others' memory.
    """
    return tuple(one.version for one in release.places().values())


class Fleet:
    """All versions of one endpoint; they serve the same model name."""

    def __init__(
        self,
        settings: TwinSettings,
        *,
        installation: TritonInstallation,
        session: aiohttp.ClientSession,
        report: Callable[[str], None],
        restarted: Callable[[], Awaitable[None]],
    ) -> None:
        self.versions: dict[str, Version] = {}
        self.model_name = ""
        self._settings, self._paths = settings, TwinPaths(folder=settings.folder)
        self._installation, self._session = installation, session
        self._report, self._restarted = report, restarted
        self._leaving: dict[asyncio.Task[None], Version] = {}

    async def check(self, release: Release) -> dict[str, Repository]:
        """The repositories of all versions that run, their files compared with the release's digests.

        Raises:
            UserError: nothing has weight, or a repository is not what the release means.
        """
        if release.stable is None:
            raise UserError(
                f"`{self._settings.release_path}`: stable: nothing to serve (got null)",
                hint="`promote` a registered version",
            )
        return {name: await self._check_one(name, release) for name in running(release)}

    async def _check_one(self, name: str, release: Release) -> Repository:
        repository = await asyncio.to_thread(check_repository, name, release.versions[name], self._settings.root)
        running = self.versions.get(name)
        if running is not None and running.repository.digest != repository.digest:
            raise UserError(
                f"{name} runs as {running.repository.digest[:19]} (got {repository.digest[:19]})",
                hint="a version name never changes its digest: register a new name",
            )
        self.model_name = self.model_name or repository.contract.model_name
        if repository.contract.model_name != self.model_name:
            raise UserError(
                f"{name}: the endpoint's model is `{self.model_name}` (got `{repository.contract.model_name}`)",
                hint="export the version under the endpoint's model name",
            )
        return repository

    async def start(self, repository: Repository) -> None:
        """Start a version and return when its model is ready.

        Raises:
            UserError: it does not come up; its entry stays until `stop`.
        """
        name = repository.version
        forget_foreign(self._paths.embeddings / name, repository.contract.base_digest)
        program = TritonProgram(
            repository,
            settings=self._settings,
            paths=self._paths,
            installation=self._installation,
            session=self._session,
        )
        keeper = Keeper(program, report=self._report, restarted=self._restarted)
        version = Version(repository=repository, program=program, keeper=keeper)
        self.versions[name] = version
        await keeper.start()
        self._report(f"{name} is ready (pid {keeper.pid})")

    def unborn(self) -> set[str]:
        """Versions that never got ready: no route can have pointed at them."""
        return {name for name, version in self.versions.items() if not version.keeper.was_ready}

    def take(self, names: set[str]) -> list[Version]:
        """Remove versions from the fleet; the caller ends them."""
        return [self.versions.pop(name) for name in sorted(names)]

    def end(self, versions: list[Version]) -> None:
        """End versions that were taken out, in good order and without anyone waiting: Triton takes seconds to go."""
        for version in versions:
            task = asyncio.create_task(version.keeper.stop(within_s=_STOP_S))
            self._leaving[task] = version
            task.add_done_callback(self._leaving.pop)

    async def kill(self) -> None:
        """End all at once; without a gateway nobody is left to answer."""
        versions = [*self.versions.values(), *self._leaving.values()]
        await asyncio.gather(*(version.keeper.stop(within_s=None) for version in versions))
        await asyncio.gather(*self._leaving, return_exceptions=True)

    def upstreams(self) -> list[Upstream]:
        """Where Envoy finds each."""
        return [Upstream(version=name, port=v.program.launch.ports.http) for name, v in self.versions.items()]
