"""The benchmark's material, made once."""

from pathlib import Path

import pytest

from bench.material import Material, make_material


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder: Path = tmp_path_factory.mktemp("material")
    return make_material(folder, 10_000)
