"""Every entity's embedding as of one cut-off: an artifact of kind `embeddings`, made in bounded memory.

embeddings.parquet  key, embedding            for people and warehouses, in order of key
keys.npy            int64 or bytes, sorted    for the server, which memory-maps both
vectors.npy         float32 [count, dim]
embeddings.json     cutoff_ns, base_digest, entity_table, dim, count
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import Artifact, read_artifact, write_artifact
from model.checkpoint import quiet
from model.deep.parts import Parts
from model.deep.scores import Deep, Float32, Int64, load_deep, network_rows
from model.errors import UserError
from model.progress import Progress, silent
from model.store.store import GraphStore, Keys

CHUNK_ROWS = 16_384
"""Entities embedded and kept at a time: the most that a kill costs."""
PARQUET_FILE = "embeddings.parquet"
KEYS_FILE = "keys.npy"
VECTORS_FILE = "vectors.npy"
FACTS_FILE = "embeddings.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingFacts:
    """What `embeddings.json` says."""

    cutoff_ns: int
    """Nothing later than this moment was seen."""
    base_digest: str
    """Of the deep model."""
    entity_table: str
    dim: int
    count: int


def embed(
    store: GraphStore,
    deep_path: Path,
    cutoff_ns: int,
    path: Path,
    progress: Progress = silent,
    keys: npt.NDArray[Any] | Sequence[int] | Sequence[str] | None = None,
    say: Callable[[str], None] = quiet,
) -> Artifact:
    """Embed the entities that exist at `cutoff_ns`, or those of them that `keys` names, and write them at `path`.

    A batch that was killed goes on from the parts that it had done; `say` is told so.

    Raises:
        UserError: a key that the entity table does not have, or no entity at all.
    """
    deep = load_deep(deep_path, kind=model_kind(deep_path))
    rows = entities(store, deep.entity_table, cutoff_ns, keys)
    facts = EmbeddingFacts(
        cutoff_ns=cutoff_ns,
        base_digest=deep.digest,
        entity_table=deep.entity_table,
        dim=deep.model.settings.embedding_dim,
        count=len(rows),
    )
    parents = {"deep": deep.digest, "graph": store.artifact.digest}
    parts = Parts(path, {**parents, "cutoff_ns": cutoff_ns, "rows": rows, "chunk": CHUNK_ROWS}, say)
    with write_artifact(path, kind="embeddings", parents=parents, settings={"cutoff_ns": cutoff_ns}) as draft:
        _write(store, deep, rows, facts, draft.path, parts, progress)
        (draft.path / FACTS_FILE).write_text(json.dumps(asdict(facts), indent=2) + "\n")
        draft.metrics["count"] = len(rows)
    parts.remove()
    return read_artifact(path, kind="embeddings")


def model_kind(path: Path) -> str:
    """Of the artifact at `path` that holds a deep model: `deep`, or `ranking`."""
    return "ranking" if (path / "ranking.json").exists() else "deep"


def embed_rows(store: GraphStore, deep: Deep, rows: Int64, times: Int64 | int, progress: Progress = silent) -> Float32:
    """[R, E] embeddings of entity rows, each as of its own time (nanoseconds)."""
    _, vectors = network_rows(store, deep, rows, times, progress)
    return vectors


def entities(
    store: GraphStore, table: str, cutoff_ns: int, keys: npt.NDArray[Any] | Sequence[int] | Sequence[str] | None
) -> Int64:
    """Rows of the entities that exist at a cut-off, or of some of them, in order of key, one for each key.

    Raises:
        UserError: a key that the table does not have, or no entity at all.
    """
    if keys is None:
        rows = np.arange(store.num_visible(table, cutoff_ns), dtype=np.int64)
    else:
        rows = store.rows_of(table, keys)
        if (rows < 0).any():
            raise UserError(f"`{table}` has no row with key {np.asarray(keys).tolist()[int(np.argmin(rows))]!r}")
        rows = rows[store.row_times(table)[rows] <= cutoff_ns]
    if len(rows) == 0:
        raise UserError(
            f"no row of `{table}` exists at {np.datetime64(cutoff_ns, 'ns')}",
            hint="choose a later cut-off, or fewer keys",
        )
    _, first = np.unique(store.keys(table)[rows], return_index=True)
    return rows[first]


def _write(
    store: GraphStore,
    deep: Deep,
    rows: Int64,
    facts: EmbeddingFacts,
    folder: Path,
    parts: Parts,
    progress: Progress,
) -> None:
    keys = store.keys(deep.entity_table)[rows]
    np.save(folder / KEYS_FILE, keys)
    vectors = np.lib.format.open_memmap(
        folder / VECTORS_FILE, mode="w+", dtype=np.float32, shape=(facts.count, facts.dim)
    )
    schema = pa.schema(
        [
            ("key", pa.string() if keys.dtype.kind == "S" else pa.int64()),
            ("embedding", pa.list_(pa.float32(), facts.dim)),
        ]
    )
    with pq.ParquetWriter(folder / PARQUET_FILE, schema) as writer:
        for start in range(0, facts.count, CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)

            def tell(done: int, total: int, start: int = start, size: int = len(rows[chunk])) -> None:
                progress(start + size * done // total, facts.count)

            found = parts.read(start)
            if found is None:
                found = embed_rows(store, deep, rows[chunk], facts.cutoff_ns, tell)
                parts.write(start, found)
            vectors[chunk] = found
            writer.write_table(_parquet_chunk(keys[chunk], vectors[chunk], schema))
    vectors.flush()
    progress(facts.count, facts.count)


def _parquet_chunk(keys: Keys, vectors: Float32, schema: pa.Schema) -> pa.Table:
    key = [one.decode() for one in keys.tolist()] if keys.dtype.kind == "S" else keys
    flat = pa.array(np.ascontiguousarray(vectors).ravel(), pa.float32())
    embedding = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pa.table([pa.array(key, schema.field("key").type), embedding], schema=schema)
