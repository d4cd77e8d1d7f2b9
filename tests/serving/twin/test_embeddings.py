"""The symlink that a running model follows always points at a whole table."""

from pathlib import Path

import pytest

from model.errors import UserError
from serving.twin.embeddings import (
    forget_foreign,
    install_embeddings,
    no_match,
    read_embeddings,
    served_cutoffs,
    serves,
)
from tests.serving.fake_repository import BASE_DIGEST, write_embeddings

METRICS = """# HELP stillhouse_embedding_cutoff_seconds cut-off of the embeddings
# TYPE stillhouse_embedding_cutoff_seconds gauge
stillhouse_embedding_cutoff_seconds{model="churn"} %s
# HELP nv_inference_count x
# TYPE nv_inference_count counter
nv_inference_count{model="churn",version="1"} 3
"""


def test_each_installation_swings_the_link_and_keeps_the_table_before(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    for number in (1, 2, 3):
        path = write_embeddings(tmp_path / f"table{number}", cutoff_ns=number * 10**18)
        install_embeddings(read_embeddings(path), folder)
        assert (folder / "current/embeddings.json").read_text() == (path / "embeddings.json").read_text()
    tables = [entry for entry in folder.iterdir() if not entry.is_symlink()]
    assert len(tables) == 2
    assert (folder / "current").resolve() in tables


def test_the_same_table_again_changes_nothing(tmp_path: Path) -> None:
    embeddings = read_embeddings(write_embeddings(tmp_path / "table", cutoff_ns=1))
    install_embeddings(embeddings, tmp_path / "live")
    inode = (tmp_path / "live/current/keys.npy").stat().st_ino
    install_embeddings(embeddings, tmp_path / "live")
    assert (tmp_path / "live/current/keys.npy").stat().st_ino == inode


def test_a_table_that_changed_since_it_was_written_is_refused(tmp_path: Path) -> None:
    path = write_embeddings(tmp_path / "table", cutoff_ns=1)
    (path / "vectors.npy").write_bytes(b"other")
    with pytest.raises(UserError, match="have changed since"):
        read_embeddings(path)


def test_only_a_foreign_table_of_an_earlier_twin_is_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    forget_foreign(folder, BASE_DIGEST)
    install_embeddings(read_embeddings(write_embeddings(tmp_path / "table", cutoff_ns=1)), folder)
    forget_foreign(folder, BASE_DIGEST)
    assert (folder / "current").is_symlink()
    forget_foreign(folder, f"sha256:{1:064x}")
    assert not (folder / "current").is_symlink()


def test_the_gauge_tells_which_table_is_in_use(tmp_path: Path) -> None:
    embeddings = read_embeddings(write_embeddings(tmp_path / "table", cutoff_ns=1_700_000_000_123_456_789))
    assert serves(METRICS % "1700000000.123457", embeddings)
    assert not serves(METRICS % "1699990000", embeddings)
    assert not serves("", embeddings)
    assert served_cutoffs(METRICS % "3") == [3.0]


def test_the_refusal_names_both_sides(tmp_path: Path) -> None:
    embeddings = read_embeddings(write_embeddings(tmp_path / "table", cutoff_ns=1, base_digest="sha256:abc"))
    with pytest.raises(UserError, match=r"deep model sha256:abc; running are v1 with sha256:def"):
        raise no_match(embeddings, {"v1": "sha256:def"})
