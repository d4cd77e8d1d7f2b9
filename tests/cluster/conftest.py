"""One control plane for the tier, with every definition that the platform brings."""

from collections.abc import Iterator

import pytest

from tests.cluster import crds
from tests.cluster.control_plane import ControlPlane, control_plane


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("cluster")) as running:
        crds.install(running.api)
        yield running
