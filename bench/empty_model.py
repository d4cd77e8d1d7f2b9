"""The limit: a Triton repository with another one's signature whose backend answers at once and reads nothing."""

import shutil
from pathlib import Path

from model.artifact import write_artifact
from model.compile import LIBRARY, backend_library
from model.contract import CONTRACT_FILE, read_contract

SOURCES = Path(__file__).parent / "empty"


def write_empty_repository(model: Path, path: Path) -> None:
    """Write to `path` what answers in the place of the repository at `model`.

    Raises:
        UserError: `model` is no exported repository, or there is no compiler.
    """
    name = read_contract(model).model_name
    library = backend_library(SOURCES)
    with write_artifact(path, kind="triton_repository") as draft:
        (draft.path / name / "1").mkdir(parents=True)
        shutil.copyfile(model / CONTRACT_FILE, draft.path / CONTRACT_FILE)
        shutil.copyfile(model / name / "config.pbtxt", draft.path / name / "config.pbtxt")
        shutil.copyfile(library, draft.path / name / "1" / LIBRARY)
