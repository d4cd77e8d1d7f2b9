import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from model.artifact import read_artifact, write_artifact
from model.deep.embed import embed, embed_rows
from model.deep.network import DeepSettings
from model.deep.sampler import SamplerSettings
from model.deep.scores import load_deep, make_deep, save_deep, score_rows
from model.errors import UserError
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore
from model.task import TaskHead
from tests.model.small_shop import at_day, small_store

SMALL = DeepSettings(width=16, num_heads=2, feed_forward=32, embedding_dim=8)
CUTOFF = at_day(33)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    return small_store(tmp_path_factory.mktemp("embed") / "graph")


def _untrained(store: GraphStore, entity: str, path: Path) -> Path:
    """A deep artifact with random weights: embedding does not care what they mean."""
    torch.manual_seed(0)
    features = fit_features(store, at_day(50), FeatureSettings())
    head = TaskHead(kind="binary")
    deep = make_deep(store, features, SamplerSettings(fanouts=(5, 5)), SMALL, entity_table=entity, head=head)
    with write_artifact(path, kind="deep") as draft:
        save_deep(deep, deep.model.state_dict(), draft.path)
    return path


def test_files_agree_with_the_model(store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.deep.embed.CHUNK_ROWS", 16)
    deep_path = _untrained(store, "customers", tmp_path / "deep")
    calls: list[tuple[int, int]] = []
    artifact = embed(store, deep_path, CUTOFF, tmp_path / "e", lambda done, total: calls.append((done, total)))
    digest = read_artifact(deep_path, kind="deep").digest
    assert artifact.parents == {"deep": digest, "graph": store.artifact.digest}
    facts = json.loads((tmp_path / "e" / "embeddings.json").read_text())
    assert facts == {"cutoff_ns": CUTOFF, "base_digest": digest, "entity_table": "customers", "dim": 8, "count": 40}
    keys, vectors = np.load(tmp_path / "e" / "keys.npy"), np.load(tmp_path / "e" / "vectors.npy")
    assert keys.tolist() == sorted(store.keys("customers").tolist())
    assert vectors.dtype == np.float32
    _, expected = score_rows(store, load_deep(deep_path), store.rows_of("customers", keys), CUTOFF)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    table = pq.read_table(tmp_path / "e" / "embeddings.parquet")
    assert table["key"].to_pylist() == keys.tolist()
    np.testing.assert_array_equal(np.array(table["embedding"].to_pylist(), dtype=np.float32), vectors)
    assert calls[-1] == (40, 40)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_a_batch_that_broke_off_goes_on(store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.deep.embed.CHUNK_ROWS", 16)
    deep_path, said, done = _untrained(store, "customers", tmp_path / "deep"), list[str](), list[int]()

    def break_off(at: int, total: int) -> None:
        if at > 32:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            embed(store, deep_path, CUTOFF, tmp_path / "e", break_off, say=said.append)
    assert not (tmp_path / "e").exists()
    embed(store, deep_path, CUTOFF, tmp_path / "e", lambda at, total: done.append(at), say=said.append)
    assert said == [f"going on from `{tmp_path / 'e.parts'}`: 2 parts are done"] * 2
    assert min(done) > 32
    embed(store, deep_path, CUTOFF, tmp_path / "whole", say=said.append)
    for name in ("vectors.npy", "keys.npy", "embeddings.parquet"):
        assert (tmp_path / "e" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "e", "whole"]


def test_parts_of_another_moment_are_not_used(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.deep.embed.CHUNK_ROWS", 16)
    deep_path, said = _untrained(store, "customers", tmp_path / "deep"), list[str]()

    def break_off(at: int, total: int) -> None:
        if at > 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(store, deep_path, CUTOFF, tmp_path / "e", break_off, say=said.append)
    embed(store, deep_path, at_day(60), tmp_path / "e", say=said.append)
    assert said == [f"`{tmp_path / 'e.parts'}` is of other inputs; beginning anew"]
    embed(store, deep_path, at_day(60), tmp_path / "whole")
    assert (tmp_path / "e" / "vectors.npy").read_bytes() == (tmp_path / "whole" / "vectors.npy").read_bytes()


def test_text_keys_and_only_what_exists(store: GraphStore, tmp_path: Path) -> None:
    embed(store, _untrained(store, "articles", tmp_path / "deep"), CUTOFF, tmp_path / "e")
    keys = np.load(tmp_path / "e" / "keys.npy")
    visible = store.row_times("articles") <= CUTOFF
    assert 0 < visible.sum() < store.num_rows("articles")
    assert keys.tolist() == sorted(store.keys("articles")[visible].tolist())
    assert keys.dtype.kind == "S"
    assert pq.read_table(tmp_path / "e" / "embeddings.parquet")["key"][0].as_py() == keys[0].decode()


def test_some_keys(store: GraphStore, tmp_path: Path) -> None:
    deep_path = _untrained(store, "customers", tmp_path / "deep")
    chosen = store.keys("customers")[[7, 3, 3]]
    embed(store, deep_path, CUTOFF, tmp_path / "e", keys=chosen)
    assert np.load(tmp_path / "e" / "keys.npy").tolist() == sorted({*chosen.tolist()})
    with pytest.raises(UserError, match="no row with key 3"):
        embed(store, deep_path, CUTOFF, tmp_path / "e", keys=[1000, 3])
    articles = _untrained(store, "articles", tmp_path / "articles")
    with pytest.raises(UserError, match="exists at 2023"):
        embed(store, articles, at_day(-50), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_rows_at_their_own_times(store: GraphStore, tmp_path: Path) -> None:
    deep = load_deep(_untrained(store, "customers", tmp_path / "deep"))
    vectors = embed_rows(store, deep, np.array([5, 5, 5]), np.array([at_day(10), at_day(60), at_day(10)]))
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert not np.allclose(vectors[0], vectors[1])
    assert embed_rows(store, deep, np.zeros(0, np.int64), CUTOFF).shape == (0, 8)
