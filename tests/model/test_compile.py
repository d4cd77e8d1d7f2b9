import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from model.compile import LIBRARY, UnsupportedModelError, check_model, engine_library
from model.errors import UserError
from tests.model.served_model import NAME, ServedModel, make_served_model


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return make_served_model(tmp_path_factory.mktemp("served") / "model")


def test_the_library_of_an_exported_model_opens_it(served: ServedModel) -> None:
    version = served.repository / NAME / "1"
    assert (version / LIBRARY).read_bytes() == engine_library().read_bytes()
    check_model(version, version / LIBRARY)


def test_another_machine_is_refused() -> None:
    with pytest.raises(UserError, match=r"runs on x86_64, aarch64 \(got riscv64\)"):
        engine_library("riscv64")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _without_width(path: Path) -> None:
    settings = json.loads(path.read_text())
    del settings["network"]["width"]
    path.write_text(json.dumps(settings))


def _wider(path: Path) -> None:
    settings = json.loads(path.read_text())
    settings["network"]["width"] = 64
    path.write_text(json.dumps(settings))


def _other_task(path: Path) -> None:
    path.write_text(path.read_text().replace('"binary"', '"prophecy"'))


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("weights.safetensors", _cut, "weights.safetensors: shorter than its header"),
        ("weights.safetensors", Path.unlink, "weights.safetensors: No such file"),
        ("contract.json", _cut, "contract.json: expected"),
        ("contract.json", _other_task, r"only binary and regression are compiled \(got prophecy\)"),
        ("settings.json", _without_width, "`width` is missing"),
        ("settings.json", _wider, r"weights: `entity\.[a-z.]+` is not float32 \[64, "),
    ],
)
def test_a_folder_that_is_no_model_is_refused_by_name(
    served: ServedModel, tmp_path: Path, name: str, spoil: Callable[[Path], None], words: str
) -> None:
    folder = tmp_path / "version"
    shutil.copytree(served.repository / NAME / "1", folder)
    spoil(folder / name)
    with pytest.raises(UnsupportedModelError, match=words):
        check_model(folder, engine_library())
