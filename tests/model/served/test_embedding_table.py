import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.served.embedding_table import EmbeddingTable, RefusedTableError

DIM = 3


def write(folder: Path, keys: npt.NDArray[np.int64] | npt.NDArray[np.bytes_]) -> npt.NDArray[np.float32]:
    vectors = np.arange(len(keys) * DIM, dtype=np.float32).reshape(len(keys), DIM)
    np.save(folder / "keys.npy", keys)
    np.save(folder / "vectors.npy", vectors)
    (folder / "embeddings.json").write_text(json.dumps({"cutoff_ns": 5, "base_digest": "sha256:a"}))
    return vectors


def open_table(folder: Path) -> EmbeddingTable:
    return EmbeddingTable.open(folder, base_digest="sha256:a", dim=DIM)


@given(known=st.sets(st.integers(-(2**63), 2**63 - 1), max_size=20), asked=st.lists(st.integers(-9, 9), max_size=9))
def test_finds_what_is_there_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, known: set[int], asked: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("table")
    keys = np.array(sorted(known), np.int64)
    vectors = write(folder, keys)
    table = open_table(folder)
    wanted = [*asked, *known]
    rows = table.find(np.array(wanted, np.int64))
    assert rows.tolist() == [sorted(known).index(key) if key in known else -1 for key in wanted]
    expected = [vectors[row] if row >= 0 else np.zeros(DIM) for row in rows]
    np.testing.assert_array_equal(table.take(rows), np.array(expected).reshape(-1, DIM))


def test_text_keys_longer_than_any_known_are_strangers(tmp_path: Path) -> None:
    write(tmp_path, np.array(sorted("é a bb".encode().split())))
    table = open_table(tmp_path)
    assert table.find(np.array([b"bb", b"bbb", b"b", "é".encode(), b""])).tolist() == [1, -1, -1, 2, -1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "vectors.npy").unlink(), "vectors.npy"),
        (lambda folder: (folder / "embeddings.json").write_text("{}"), "cutoff_ns"),
        (lambda folder: (folder / "embeddings.json").write_text("{"), "Expecting"),
        (
            lambda folder: np.save(folder / "vectors.npy", np.zeros((2, DIM + 1), np.float32)),
            r"expected float32 \(2, 3\)",
        ),
        (lambda folder: np.save(folder / "vectors.npy", np.zeros((2, DIM))), "are float64"),
        (lambda folder: np.save(folder / "vectors.npy", np.full((2, DIM), np.nan, np.float32)), "not finite"),
        (lambda folder: np.save(folder / "keys.npy", np.array([2, 1])), "not ascending"),
        (lambda folder: np.save(folder / "keys.npy", np.array([1, 1])), "not ascending"),
        (lambda folder: (folder / "keys.npy").write_bytes(b"\x93NUMPY"), "keys.npy|EOF|magic|read"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, damage: "object", message: str) -> None:
    write(tmp_path, np.array([1, 2]))
    assert callable(damage)
    damage(tmp_path)
    with pytest.raises(RefusedTableError, match=message):
        open_table(tmp_path)


def test_a_table_of_another_deep_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path, np.array([1, 2]))
    with pytest.raises(RefusedTableError, match="embeddings of sha256:a; this model needs sha256:b"):
        EmbeddingTable.open(tmp_path, base_digest="sha256:b", dim=DIM)
