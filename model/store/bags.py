"""Texts and lists of categories become bags of hashed parts, and given embeddings rows of a matrix, batch by batch.

A text is its words and their runs of three characters, so that a word that training never saw is still like its kin.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_PARTS = 96
"""Of one value; the first are kept."""
INDPTR_FILE = "indptr.npy"
PARTS_FILE = "parts.bin"
_WORD = re.compile(r"\w+")
_GRAM = 3


@lru_cache(maxsize=200_000)
def word_parts(word: str) -> tuple[int, ...]:
    """Hashes of a word and of its runs of three characters, its start and end among them."""
    marked = f"<{word}>"
    grams = {marked[i : i + _GRAM] for i in range(len(marked) - _GRAM + 1)} if len(word) >= _GRAM else set()
    return (crc32(word.encode()), *sorted(crc32(gram.encode()) for gram in grams))


def text_parts(text: str) -> list[int]:
    """Hashes of a text, words in order; case does not matter."""
    parts: list[int] = []
    for word in _WORD.findall(text.casefold()):
        parts += word_parts(word)
        if len(parts) >= MAX_PARTS:
            break
    return parts[:MAX_PARTS]


def list_parts(values: Iterable[str | None]) -> list[int]:
    """Hashes of the different categories of a list, in order."""
    return [crc32(value.encode()) for value in dict.fromkeys(values) if value is not None][:MAX_PARTS]


class BagTarget:
    """One column of bags on the disk, filled batch by batch: uint32 parts end to end, and where each row begins."""

    def __init__(self, folder: Path, num_rows: int, *, is_text: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.num_rows = num_rows
        self.array = np.lib.format.open_memmap(folder / INDPTR_FILE, mode="w+", dtype=np.int64, shape=(num_rows + 1,))
        self._parts = folder / PARTS_FILE
        self._parts.touch()
        self._split = text_parts if is_text else list_parts

    def write(self, start: int, values: pa.Array) -> None:
        """Append the rows [start, start + len(values))."""
        bags = [self._split(value) if value is not None else [] for value in values.to_pylist()]
        lengths = np.array([len(bag) for bag in bags], dtype=np.int64)
        self.array[start + 1 : start + 1 + len(bags)] = self.array[start] + np.cumsum(lengths)
        with self._parts.open("ab") as stream:
            np.array([part for bag in bags for part in bag], dtype=np.uint32).tofile(stream)


class VectorTarget:
    """One column of given embeddings, float32 [rows, width]; NaN where a row has none or one of another width."""

    def __init__(self, path: Path, num_rows: int, width: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.num_rows = num_rows
        self.array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(num_rows, width))

    def write(self, start: int, values: pa.Array) -> None:
        """Put the rows [start, start + len(values))."""
        width = self.array.shape[1]
        for row, value in enumerate(values.to_pylist(), start=start):
            fits = value is not None and len(value) == width and None not in value
            vector = np.array(value if fits else [np.nan] * width, dtype=np.float32)
            self.array[row] = vector if np.isfinite(vector).all() else np.nan


def bag_rows(
    indptr: npt.NDArray[np.int64], parts: npt.NDArray[np.uint32], rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """(parts of some rows end to end, where each row begins)."""
    first, lengths = indptr[rows], indptr[rows + 1] - indptr[rows]
    begin = np.cumsum(lengths) - lengths
    places = np.repeat(first - begin, lengths) + np.arange(lengths.sum())
    return parts[places], begin
