"""Vectors of a long batch, kept chunk by chunk in a folder beside the artifact: a batch that was killed goes on."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.checkpoint import fingerprint

Float32 = npt.NDArray[np.float32]
_INPUTS_FILE = "inputs"


class Parts:
    """The folder `<artifact>.parts`; a part is there as a whole or not at all."""

    def __init__(self, artifact_path: Path, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Open the folder, or begin it anew where it is of other inputs.

        Args:
            artifact_path: where the finished artifact goes.
            inputs: everything that decides the vectors.
            say: told in words of parts that are there, or not used.
        """
        self.folder = artifact_path.with_name(f"{artifact_path.name}.parts")
        found, expected = self.folder / _INPUTS_FILE, fingerprint(inputs)
        if found.exists() and found.read_text() == expected:
            count = len(list(self.folder.glob("*.npy")))
            say(f"going on from `{self.folder}`: {count} parts are done")
            return
        if self.folder.exists():
            say(f"`{self.folder}` is of other inputs; beginning anew")
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        found.write_text(expected)

    def read(self, start: int) -> Float32 | None:
        """The part that begins at row `start`; None where it is not done."""
        file = self._file(start)
        if not file.exists():
            return None
        vectors: Float32 = np.load(file)
        return vectors

    def write(self, start: int, vectors: Float32) -> None:
        """Keep a part."""
        draft = self.folder / "draft"
        with draft.open("wb") as stream:
            np.save(stream, vectors)
        draft.replace(self._file(start))

    def remove(self) -> None:
        """The artifact is written."""
        shutil.rmtree(self.folder)

    def _file(self, start: int) -> Path:
        return self.folder / f"{start:012d}.npy"
