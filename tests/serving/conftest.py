"""Twins for the tests: one that is shared and only asked, and a stage for those that change or break theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.stage import Stage, standing


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A twin with one version; leave it as it is."""
    with standing(Stage(root=tmp_path_factory.mktemp("shared"), settings={"max_body_bytes": 64 * 1024})) as stage:
        yield stage


@pytest.fixture(scope="session")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A twin that lives through all tests that change or break it."""
    with standing(Stage(root=tmp_path_factory.mktemp("living"), settings={"receive_timeout_s": 2})) as stage:
        yield stage


@pytest.fixture
def stage(living: Stage) -> Iterator[Stage]:
    """The living twin with nothing but a stable version; what a test leaves beside it is taken away."""
    yield living
    living.clear()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stage]:
    """A twin of the test's own, not up yet, with v1 registered."""
    stage = Stage(root=tmp_path)
    stage.add_version("v1")
    try:
        yield stage
    finally:
        stage.close()
