"""One twin for all faults that it survives, with a release file in git; a test that needs its own makes one."""

from collections.abc import Iterator

import pytest

from tests.serving.faults.night import Night
from tests.serving.stage import standing


@pytest.fixture(scope="session")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """A twin that lives through all faults."""
    settings = {"receive_timeout_s": 2, "scrape_interval_s": 0.5}
    with standing(Night(root=tmp_path_factory.mktemp("night"), settings=settings)) as night:
        yield night


@pytest.fixture
def night(lasting: Night) -> Iterator[Night]:
    """The twin with nothing but a stable version."""
    lasting.read()
    yield lasting
    lasting.settle()
