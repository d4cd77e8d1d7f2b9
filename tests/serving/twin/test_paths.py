"""Where the programs are found, and what is said where they are not."""

from pathlib import Path

import pytest

from model.errors import UserError
from serving.twin.paths import find_envoy, find_triton


def make_environment(root: Path) -> Path:
    (root / "lib/python3.11/site-packages/pytriton/tritonserver").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin/python3").touch()
    return root


def test_triton_is_found_with_the_interpreters_own_library(tmp_path: Path) -> None:
    found = find_triton(make_environment(tmp_path / ".triton"))
    assert found.binary.is_relative_to(tmp_path / ".triton/lib/python3.11/site-packages")
    assert found.python_library == tmp_path / ".triton/lib"


def test_an_unpacked_library_comes_first(tmp_path: Path) -> None:
    root = make_environment(tmp_path / ".triton")
    library = root / "debian/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"
    library.parent.mkdir(parents=True)
    library.touch()
    assert find_triton(root).python_library == library.parent


def test_missing_programs_are_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no Triton in[\s\S]*make setup"):
        find_triton(tmp_path)
    with pytest.raises(UserError, match="no Envoy at"):
        find_envoy(tmp_path / "envoy")
