"""One twin for all faults that it survives, with a release file in git; a test that needs its own makes one."""

from collections.abc import Iterator

import pytest

from tests.serving.faults.night import Night


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A twin that lives through all faults."""
    night = Night(root=tmp_path_factory.mktemp("night"), settings={"receive_timeout_s": 2, "scrape_interval_s": 0.5})
    night.add_version("v1")
    try:
        night.up()
        yield night
    finally:
        night.close()


@pytest.fixture
def night(standing: Night) -> Iterator[Night]:
    """The twin with nothing but a stable version."""
    standing.read()
    yield standing
    standing.settle()
