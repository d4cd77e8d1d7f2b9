"""A cluster as a data plane, seen through its Prometheus alone: no right on the cluster is needed to conduct on it.

Whoever applies the branch (Pulumi in CI, or its operator) moves the traffic; this waits until the gateways show it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from model.errors import UserError
from serving.conductor.plane import Served
from serving.conductor.remote import Remote
from serving.git import locate
from serving.prometheus import Prometheus, Series
from serving.release import Release, parse_release
from serving.release_repository import history, read_head
from serving.signals import names
from serving.signals.in_force import taken
from serving.signals.no_answer import NoData
from serving.signals.queries import counted_requests, gateway_uptime
from serving.signals.targets import ClusterTarget

Services = Callable[[Release], Mapping[str, str]]
"""Release -> version -> name of the Service behind it."""


@dataclass(kw_only=True, slots=True)
class ClusterPlane:
    """A cluster that follows a branch."""

    release_path: Path
    remote: Remote
    prometheus: Prometheus
    services: Services
    namespace: str
    """Of the models."""
    gateway_namespace: str = "istio-ingress"
    scrape_interval_s: float = 15.0
    _in_force: str = field(default="")
    """Revision of the file that the gateways were last seen to have taken over."""

    def sync(self) -> None:
        """Fetch the branch, or push to it."""
        self.remote.sync()

    def target(self, release: Release) -> ClusterTarget:
        """The mesh's gateways."""
        return ClusterTarget(
            endpoint=release.endpoint,
            services=self.services(release),
            namespace=self.namespace,
            gateway_namespace=self.gateway_namespace,
            scrape_interval_s=self.scrape_interval_s,
        )

    def served(self) -> Served:
        """The committed weights, once the gateways have shown them; a version none of whose pods is scraped is down."""
        try:
            release, revision = read_head(self.release_path), self._revision()
        except UserError as error:
            return Served(weights={}, complaint=str(error))
        if revision != self._in_force:
            return Served(weights={}, complaint="not seen to be in force yet", prometheus_url=self.prometheus.url)
        down = tuple(version for version in release.weights() if not self._answers(release, version))
        return Served(weights=release.weights(), down=down, prometheus_url=self.prometheus.url)

    def follow(self) -> None:
        """Look whether the gateways took the file over; who applies it does so by the branch.

        Raises:
            UserError: they do not show it yet, or Prometheus cannot say.
        """
        release, revision = read_head(self.release_path), self._revision()
        asked, (since, before) = release.weights(), self._before(release)
        if asked and before != asked:
            self._refuse_unseen(release, asked, before, since)
        self._in_force = revision

    def _refuse_unseen(
        self, release: Release, asked: Mapping[str, int], before: Mapping[str, int], since: datetime | None
    ) -> None:
        now_s, target = time.time(), self.target(release)
        window_s = max(now_s - since.timestamp(), 1.0) if since else 600.0
        scrapes = self._series(gateway_uptime(target, window_s), now_s)
        versions = dict.fromkeys([*asked, *before])
        answers = {one: self._series(counted_requests(target, one, window_s), now_s, may_lack=True) for one in versions}
        seen = taken(answers, scrapes, asked=asked, before=before)
        if not seen.in_force:
            wanted = ", ".join(f"{version} {weight} %" for version, weight in asked.items())
            raise UserError(f"the gateways do not show {wanted} yet: {seen.words}")

    def _series(self, query: str, now_s: float, *, may_lack: bool = False) -> tuple[Series, ...]:
        found = self.prometheus.series(query, at_s=now_s)
        if isinstance(found, tuple):
            return found
        if may_lack and isinstance(found, NoData):
            return ()
        raise UserError(f"nobody can say what the gateways do: {found.reason}")

    def _answers(self, release: Release, version: str) -> bool:
        query = str(self.target(release).model(names.SCRAPED, version))
        found = self.prometheus.samples(query, at_s=time.time())
        # Where Prometheus itself is away the evidence says so; here only what is known to be down counts.
        return not isinstance(found, tuple) or any(sample.value == 1 for sample in found)

    def _before(self, release: Release) -> tuple[datetime | None, Mapping[str, int]]:
        """(when the present weights were committed, the weights before them); None where nobody knows others."""
        checkout, name = locate(self.release_path)
        since: datetime | None = None
        for entry in history(self.release_path):
            try:
                text = checkout.text(checkout.blob(name, at=entry.commit))
                weights = parse_release(text, place=entry.commit[:9]).weights()
            except UserError:
                continue
            if weights != release.weights():
                return since, weights
            since = entry.when
        return since, {}

    def _revision(self) -> str:
        checkout, name = locate(self.release_path)
        return checkout.blob(name)
