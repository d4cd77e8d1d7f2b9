"""Stored embeddings, memory-mapped, with a lookup of many keys at once. Copied into the Triton repository."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.served.inputs import Float, Int

_CHUNK_ROWS = 65_536


class RefusedTableError(Exception):
    """The folder holds no embeddings that this model may use; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingTable:
    """The embeddings of one batch job, sorted by key."""

    keys: Int | npt.NDArray[np.bytes_]
    """Ascending, no duplicates; int64, or UTF-8 of fixed width."""
    vectors: Float
    cutoff_ns: int
    """What the embeddings know: rows at or before this moment."""
    base_digest: str
    """The deep model that made them."""

    @classmethod
    def open(cls, folder: Path, *, base_digest: str, dim: int) -> "EmbeddingTable":
        """Map the table and read it once, so that its pages are in memory before a request needs them.

        Raises:
            RefusedTableError: missing files, another deep model, another width, unsorted keys, values not finite.
        """
        try:
            facts = json.loads((folder / "embeddings.json").read_text("utf-8"))
            keys = np.load(folder / "keys.npy", mmap_mode="r", allow_pickle=False)
            vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
            table = cls(keys=keys, vectors=vectors, cutoff_ns=facts["cutoff_ns"], base_digest=facts["base_digest"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RefusedTableError(f"{folder}: {error}") from error
        if table.base_digest != base_digest:
            raise RefusedTableError(f"{folder}: embeddings of {table.base_digest}; this model needs {base_digest}")
        if vectors.shape != (len(keys), dim) or vectors.dtype != np.float32:
            raise RefusedTableError(
                f"{folder}: vectors are {vectors.dtype} {vectors.shape}; expected float32 ({len(keys)}, {dim})"
            )
        if not bool(np.all(keys[1:] > keys[:-1])):
            raise RefusedTableError(f"{folder}: keys are not ascending")
        for start in range(0, len(keys), _CHUNK_ROWS):
            if not np.isfinite(vectors[start : start + _CHUNK_ROWS]).all():
                raise RefusedTableError(f"{folder}: a vector in rows {start} and after is not finite")
        return table

    def find(self, keys_B: Int | npt.NDArray[np.bytes_]) -> Int:
        """[B] row of each key, -1 where there is none."""
        if len(self.keys) == 0:
            return np.full(len(keys_B), -1, np.int64)
        row_B = np.minimum(np.searchsorted(self.keys, keys_B), len(self.keys) - 1)
        found: Int = np.where(self.keys[row_B] == keys_B, row_B, -1).astype(np.int64)
        return found

    def take(self, row_B: Int) -> Float:
        """[B, E] the vectors; zeros where the row is -1."""
        if len(self.keys) == 0:
            return np.zeros((len(row_B), self.vectors.shape[1]), np.float32)
        taken: Float = np.where(row_B[:, None] >= 0, self.vectors[np.maximum(row_B, 0)], np.float32(0))
        return taken
