"""A twin as a data plane."""

from dataclasses import dataclass
from pathlib import Path

from model.errors import UserError
from serving.conductor.plane import Served
from serving.release import Release
from serving.signals.targets import TwinTarget
from serving.twin.run import twin_reconcile, twin_status
from serving.twin.status import TwinStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinPlane:
    """The twin in a folder."""

    folder: Path
    scrape_interval_s: float = 1.0
    """Of its Prometheus."""

    def sync(self) -> None:
        """It serves the checkout that is conducted: there is nobody else."""

    def target(self, release: Release) -> TwinTarget:
        """Its gateway."""
        return TwinTarget(endpoint=release.endpoint, scrape_interval_s=self.scrape_interval_s)

    def served(self) -> Served:
        """What its gateway took over, and who of them is down."""
        try:
            return served(twin_status(self.folder))
        except UserError as error:
            return Served(weights={}, complaint=str(error))

    def follow(self) -> None:
        """As `stillhouse twin reconcile`."""
        twin_reconcile(self.folder)


def served(status: TwinStatus) -> Served:
    """A status, as a conductor reads it."""
    weights = {one.version: one.weight for one in status.versions if one.weight}
    down = tuple(one.version for one in status.versions if one.weight and one.process.health != "ready")
    return Served(
        weights=weights if status.phase == "ready" else {},
        down=down,
        complaint=status.last_error or ("" if status.phase == "ready" else f"the twin is {status.phase}"),
        prometheus_url=status.prometheus_url,
    )
