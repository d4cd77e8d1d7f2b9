"""What a conductor must know of a data plane, and the one thing that it asks of it: serve what the file says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from serving.release import Release
from serving.signals.targets import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What a data plane does now, by its own words."""

    weights: Mapping[str, int]
    """Version -> percent, by the routes that are in force; empty where it does not answer."""
    down: tuple[str, ...] = ()
    """Versions with weight that cannot answer at the moment."""
    complaint: str = ""
    """Why it does not serve what it was last asked for, or does not answer."""
    prometheus_url: str = ""
    """Where its requests are counted; empty where nobody can say."""
    revision: str = ""
    """Of the file that this conductor saw it take over last; empty after a restart, so that it follows again."""

    def serves(self, release: Release, revision: str) -> bool:
        """Whether this revision of the file is in force."""
        return self.revision == revision and dict(self.weights) == release.weights()


class Plane(Protocol):
    """A data plane: the twin, or a cluster."""

    def sync(self) -> None:
        """Bring in what others committed, and out what was committed here.

        Raises:
            UserError: whoever keeps the commits does not answer.
        """
        ...

    def target(self, release: Release) -> Target:
        """Under which names its requests are counted."""
        ...

    def served(self) -> Served:
        """What it does now; one that does not answer serves nothing and complains."""
        ...

    def follow(self) -> None:
        """Make it serve the release file, and return when it does.

        Raises:
            UserError: it does not; what it did before goes on.
        """
        ...
