"""Owns the twin's processes and makes them what the release file says, in an order that loses no request.

new Triton -> model ready -> cluster healthy in Envoy -> routes switched
    -> old version quiet -> its cluster gone -> its Triton ended
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from model.errors import UserError
from serving.release import Release, read_release
from serving.twin.comparer import Compared, Comparer
from serving.twin.embeddings import install_embeddings, no_match, read_embeddings, serves
from serving.twin.envoy import Breaker, clusters
from serving.twin.envoy_routes import routes
from serving.twin.fleet import Fleet
from serving.twin.keeper import Keeper
from serving.twin.paths import TritonInstallation, TwinPaths, find_triton
from serving.twin.programs import EnvoyProgram
from serving.twin.prometheus import PrometheusProgram, write_targets
from serving.twin.prometheus_files import Targets
from serving.twin.publisher import RefusedError, publish, write_watched
from serving.twin.refusals import Refusals
from serving.twin.rotation import prepare_identity, rotate_certificate, rotate_key
from serving.twin.routing import Patience, Routing, chosen, routing_of
from serving.twin.settings import TwinSettings
from serving.twin.state import write_state
from serving.twin.status import Event
from serving.twin.traffic import TrafficWindow
from serving.twin.triton import Repository, link_backends, scrape
from serving.twin.waiting import uninterrupted, until

_FAILURES = (UserError, TimeoutError, RefusedError, OSError, aiohttp.ClientError)
_STOP_ENVOY_S = 2.0
_STOP_PROMETHEUS_S = 2.0
_HEALTHY_WITHIN_S = 15.0


class Supervisor:
    """One twin; all its coroutines run in one event loop."""

    def __init__(self, settings: TwinSettings, session: aiohttp.ClientSession) -> None:
        self.settings, self.paths = settings, TwinPaths(folder=settings.folder)
        self.installation = find_triton(settings.triton_environment)
        self.fleet = Fleet(
            settings,
            installation=self.installation,
            session=session,
            report=self.report,
            restarted=self._republish_clusters,
        )
        self.envoy = EnvoyProgram(settings=settings, paths=self.paths, session=session)
        self.gateway = Keeper(self.envoy, report=self.report, restarted=self._republish_clusters)
        self.prometheus = PrometheusProgram(settings=settings, paths=self.paths, session=session)
        self.metrics = Keeper(self.prometheus, report=self.report, restarted=_nothing)
        self.comparer = Comparer(
            session, folder=self.paths.pairs, tolerance=settings.pair_tolerance, pairs_per_s=settings.pairs_per_s
        )
        self.refusals = Refusals(xds=self.paths.xds)
        self.routing = Routing(model_name="", weights={}, patience=self._patience())
        self.endpoint = ""
        self.last_error: str | None = None
        self.traffic = TrafficWindow()
        self.events: deque[Event] = deque(maxlen=100)
        self._session = session
        self._changing = asyncio.Lock()
        self._takeover: asyncio.Task[None] | None = None
        self._sampling: asyncio.Task[None] | None = None

    async def up(self) -> None:
        """Bring up the stable version and the gateway, then what else the release names.

        A candidate that cannot come up leaves the stable version serving; `last_error` says why.

        Raises:
            UserError: the release file, the stable version or the gateway is no good.
        """
        release = read_release(self.settings.release_path)
        await asyncio.to_thread(prepare_files, self.paths, self.installation)
        only_stable = release.model_copy(update={"candidate": None, "previous": None, "shadow": None})
        async with self._changing:
            for repository in (await self.fleet.check(only_stable)).values():
                await self.fleet.start(repository)
            self.endpoint = release.endpoint
            self.routing = self._routing(only_stable)
            self.envoy.model_name = self.fleet.model_name
            await self.comparer.start()
            write_watched(self.paths.xds, "cds", self._clusters())
            write_watched(self.paths.xds, "rds", routes(self.routing))
            await self.gateway.start()
            self._tell_targets()
            await self.metrics.start()
            await self._until_healthy(self.routing)
            self.report(f"serving {self.routing} at {self.url}")
        self._sampling = asyncio.create_task(self._sample())
        with suppress(*_FAILURES):
            await self.reconcile()

    async def down(self) -> None:
        """End everything: the gateway first, so that nobody is sent to a version that is going."""
        tasks = [self._takeover, self._sampling, *(version.retiring for version in self.fleet.versions.values())]
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
        await self.gateway.stop(within_s=_STOP_ENVOY_S)
        await self.comparer.stop()
        await self.fleet.kill()
        await self.metrics.stop(within_s=_STOP_PROMETHEUS_S)

    async def reconcile(self) -> None:
        """Take the release file over; a newer call breaks an older one off, so that a rollback waits for nothing.

        Raises:
            UserError, TimeoutError, RefusedError: it cannot be; what ran goes on.
        """
        if self._takeover is not None:
            self._takeover.cancel()
        self._takeover = takeover = asyncio.create_task(self._take_over())
        await asyncio.wait([takeover])
        if takeover.cancelled():
            raise UserError("this change was overtaken by a newer one", hint="look at the status")
        takeover.result()

    async def refresh(self, path: Path) -> list[str]:
        """Give new embeddings to every version of their deep model, and wait until each uses them.

        Raises:
            UserError: no such artifact, no version that it belongs to, or a model that did not take it.
        """
        embeddings = await asyncio.to_thread(read_embeddings, path)
        fitting = {
            name: version
            for name, version in self.fleet.versions.items()
            if version.repository.contract.base_digest == embeddings.base_digest
        }
        if not fitting:
            bases = {name: version.repository.contract.base_digest for name, version in self.fleet.versions.items()}
            raise no_match(embeddings, bases)
        for name in fitting:
            await asyncio.to_thread(install_embeddings, embeddings, self.paths.embeddings / name)

        async def taken() -> bool:
            texts = [await scrape(self._session, version.program.launch.ports) for version in fitting.values()]
            return all(serves(text, embeddings) for text in texts)

        await until(taken, within_s=self.settings.start_timeout_s, what=f"use of `{path}` by {', '.join(fitting)}")
        self.report(f"{', '.join(fitting)} took over the embeddings of `{path}`")
        return list(fitting)

    async def rotate(self, what: str) -> str:
        """Change the `certificate` or the `key` of a running twin, or `revoke` the present key; in words.

        Raises:
            UserError: there is no such thing to rotate.
            RefusedError, TimeoutError: Envoy did not take it.
        """
        async with self._changing:
            match what:
                case "certificate":
                    done = await rotate_certificate(self.envoy.admin, self.paths)
                case "key" | "revoke":
                    done = await rotate_key(self.envoy.admin, self.paths, revoke=what == "revoke")
                case _:
                    raise UserError(f"the twin rotates certificate, key or revoke (got {what})")
        self.report(done)
        return done

    @property
    def weights(self) -> Mapping[str, int]:
        """Version -> percent of what chance sends, by the routes that Envoy has taken over."""
        return self.routing.weights

    @property
    def compared(self) -> Compared | None:
        """Whose answers are compared; None where nobody's are."""
        return self.comparer.compared

    @property
    def url(self) -> str:
        """Of the endpoint."""
        return f"https://localhost:{self.envoy.port}"

    def report(self, text: str) -> None:
        """Note an event, and who runs now."""
        self.events.append(Event(when=datetime.now(UTC), text=text))
        keepers = [self.gateway, self.metrics, *(version.keeper for version in self.fleet.versions.values())]
        write_state(self.paths.state, {keeper.program.name: keeper.pid for keeper in keepers})

    async def _take_over(self) -> None:
        async with self._changing:
            try:
                release = read_release(self.settings.release_path)
                await self._start_missing(await self.fleet.check(release))
                await self._switch(self._routing(release))
            except BaseException as error:
                await uninterrupted(self._drop(self.fleet.unborn()))
                if isinstance(error, _FAILURES):
                    self.last_error = str(error)
                    self.report(f"kept {self.routing}: {error}")
                raise
            else:
                self.last_error = None
            finally:
                self._retire_idle()

    def _retire_idle(self) -> None:
        for name, version in self.fleet.versions.items():
            if name not in self.routing.versions and version.retiring is None:
                version.retiring = asyncio.create_task(self._retire(name))

    async def _start_missing(self, wanted: dict[str, Repository]) -> None:
        for name, repository in wanted.items():
            version = self.fleet.versions.get(name)
            if version is None:
                await self.fleet.start(repository)
            elif version.retiring is not None:
                version.retiring.cancel()
                version.retiring = None

    async def _switch(self, routing: Routing) -> None:
        await self._publish_clusters()
        await self._until_healthy(routing)
        # A newer change may break this one off, but never between Envoy's routes and our knowledge of them.
        await uninterrupted(self._route(routing))

    async def _route(self, routing: Routing) -> None:
        self._compare(routing)
        try:
            await publish(self.envoy.admin, self.paths.xds, "rds", routes(routing))
        except BaseException:
            self._compare(self.routing)
            raise
        if routing != self.routing:
            self.report(f"{self.routing} -> {routing}")
        self.routing = routing

    def _compare(self, routing: Routing) -> None:
        """Copies come by the routes; whose answers they are for is told before."""
        if routing.compared is None:
            self.comparer.compare(None)
            return
        both = (routing.stable, routing.compared.version)
        ports = {name: self.fleet.versions[name].program.launch.ports.http for name in both}
        self.comparer.compare(Compared(stable=both[0], shadow=both[1], ports=ports))

    async def _retire(self, name: str) -> None:
        """End a version without weight once no request can come to it any more."""
        await self._until_quiet(name)
        async with self._changing:
            if name not in self.routing.versions:
                await uninterrupted(self._drop({name}))
                self.report(f"{name} is retired")

    async def _until_quiet(self, name: str) -> None:
        """Requests that chose the old route may still send their body: none may come for as long as that may take."""
        clock = asyncio.get_running_loop().time
        seen, since_s = -1, clock()

        async def quiet() -> bool:
            nonlocal seen, since_s
            traffic = (await self.envoy.admin.traffic([name]))[name]
            if traffic.active or traffic.requests != seen:
                seen, since_s = traffic.requests, clock()
            return clock() - since_s > self.settings.receive_timeout_s

        while True:
            with suppress(TimeoutError, aiohttp.ClientError):
                await until(quiet, within_s=self.settings.start_timeout_s, what=f"quiet of {name}")
                return

    async def _drop(self, names: set[str]) -> None:
        """Take versions without traffic out of Envoy, which closes its connections, then end them."""
        if dropped := self.fleet.take(names):
            with suppress(*_FAILURES):
                await self._publish_clusters()
            self.fleet.end(dropped)

    async def _publish_clusters(self) -> None:
        self._tell_targets()
        await publish(self.envoy.admin, self.paths.xds, "cds", self._clusters())

    def _tell_targets(self) -> None:
        """Whom Prometheus scrapes from now on."""
        ports = {name: version.program.launch.ports.metrics for name, version in self.fleet.versions.items()}
        targets = Targets(
            endpoint=self.endpoint,
            gateway_port=self.envoy.admin_port,
            model_ports=ports,
            pairs_port=self.comparer.port,
        )
        write_targets(self.paths.prometheus, targets)

    async def _republish_clusters(self) -> None:
        """After a restart: its ports may be others."""
        async with self._changing:
            try:
                self._compare(self.routing)
                await self._publish_clusters()
            except _FAILURES as error:
                self.report(f"Envoy did not take over the new ports: {error}")

    async def _until_healthy(self, routing: Routing) -> None:
        # With its port: a version that was started again may still be known, and well, at the one it had before.
        ports = {upstream.version: upstream.port for upstream in self.fleet.upstreams()}
        wanted = {(each, ports[name]) for name in routing.versions for each in (name, chosen(name))}

        async def healthy() -> bool:
            try:
                return wanted <= await self.envoy.admin.healthy()
            except (TimeoutError, aiohttp.ClientError):
                return False

        await until(healthy, within_s=_HEALTHY_WITHIN_S, what=f"health of {', '.join(routing.versions)} in Envoy")

    async def _sample(self) -> None:
        """Take a sample of the traffic every second, and see whether Envoy takes what lies in its folder."""
        clock = asyncio.get_running_loop().time
        while True:
            with suppress(TimeoutError, aiohttp.ClientError):
                self.traffic.add(clock(), await self.envoy.admin.traffic(self.fleet.versions))
                for news in await self.refusals.look(self.envoy.admin):
                    self.report(news)
            await asyncio.sleep(1.0)

    def _clusters(self) -> dict[str, object]:
        return clusters(
            self.fleet.upstreams(),
            model_name=self.fleet.model_name,
            breaker=Breaker(max_requests=self.settings.max_requests_at_once),
            comparer_port=self.comparer.port,
        )

    def _routing(self, release: Release) -> Routing:
        return routing_of(release, model_name=self.fleet.model_name, patience=self._patience())

    def _patience(self) -> Patience:
        return Patience(total_s=self.settings.request_timeout_s)


async def _nothing() -> None:
    """Prometheus finds all that it needs on disk when it comes back."""


def prepare_files(paths: TwinPaths, installation: TritonInstallation) -> None:
    """What must lie there before anything starts."""
    prepare_identity(paths)
    paths.logs.mkdir(exist_ok=True)
    link_backends(installation, paths.backends)
