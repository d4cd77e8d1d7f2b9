"""What a trained model says of many entities as of one cut-off: an artifact of kind `predictions`.

predictions.parquet  key, score                    a probability or a value
                     key, score, likeliest         multiclass: a list, one for each class of the manifest, and the class
                     key, score                    multilabel, forecast: a list, one for each class or timeframe
                     key, rank, item, score        a ranking: a row for each place, best first
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import Artifact, read_artifact, write_artifact
from model.deep.embed import entities, model_kind
from model.deep.scores import load_deep, score_rows
from model.labels.table_file import as_column
from model.progress import Progress, silent
from model.ranking.ranker import KIND, load_ranker, rank_rows
from model.store.store import GraphStore, Keys

PREDICTIONS_FILE = "predictions.parquet"
CHUNK_ROWS = 65_536
AnyKeys = npt.NDArray[Any] | Sequence[int] | Sequence[str]


def predict(
    store: GraphStore,
    model_path: Path,
    cutoff_ns: int,
    path: Path,
    keys: AnyKeys | None = None,
    progress: Progress = silent,
) -> Artifact:
    """Answer for the entities that exist at `cutoff_ns`, or those of them that `keys` names, in order of key.

    Args:
        store: the tables; nothing later than the cut-off is read.
        model_path: an artifact of kind `deep` or `ranking`.
        cutoff_ns: nanoseconds.
        path: where the predictions go.
        keys: of the entities; all where None.
        progress: told of entities.

    Raises:
        UserError: a key that the entity table does not have, or no entity at all.
    """
    kind = model_kind(model_path)
    is_ranking = kind == KIND
    deep = load_deep(model_path, kind=kind)
    rows = entities(store, deep.entity_table, cutoff_ns, keys)
    settings: dict[str, Any] = {"cutoff_ns": cutoff_ns, "entity_table": deep.entity_table}
    settings |= {"task": "link"} if is_ranking else {"task": deep.task, "classes": deep.head.classes}
    parents = {kind: deep.digest, "graph": store.artifact.digest}
    with write_artifact(path, kind="predictions", parents=parents, settings=settings) as draft:
        writer: pq.ParquetWriter | None = None
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = rows[start : start + CHUNK_ROWS]

            def tell(done: int, total: int, start: int = start, size: int = len(chunk)) -> None:
                progress(start + size * done // max(total, 1), len(rows))

            make = _ranked if is_ranking else _answered
            table = make(store, model_path, chunk, cutoff_ns, tell)
            writer = writer or pq.ParquetWriter(draft.path / PREDICTIONS_FILE, table.schema)
            writer.write_table(table)
        assert writer is not None, "there is an entity"
        writer.close()
        draft.metrics["count"] = len(rows)
    progress(len(rows), len(rows))
    return read_artifact(path, kind="predictions")


def read_predictions(path: Path) -> pa.Table:
    """The rows that `predict` wrote."""
    read_artifact(path, kind="predictions")
    return pq.read_table(path / PREDICTIONS_FILE)


def _answered(
    store: GraphStore, path: Path, rows: npt.NDArray[np.int64], cutoff_ns: int, progress: Progress
) -> pa.Table:
    deep = load_deep(path)
    score = deep.head.answer(score_rows(store, deep, rows, cutoff_ns, progress)[0])
    columns = {"key": _key_column(store.keys(deep.entity_table)[rows]), "score": as_column(score)}
    if deep.task == "multiclass":
        columns["likeliest"] = pa.array([deep.head.classes[place] for place in score.argmax(axis=1).tolist()])
    return pa.table(columns)


def _ranked(store: GraphStore, path: Path, rows: npt.NDArray[np.int64], cutoff_ns: int, progress: Progress) -> pa.Table:
    ranker = load_ranker(path)
    items, scores = rank_rows(store, ranker, rows, np.full(len(rows), cutoff_ns), ranker.what.top, progress)
    place, rank = np.nonzero(items >= 0)
    return pa.table(
        {
            "key": _key_column(store.keys(ranker.what.entity_table)[rows[place]]),
            "rank": pa.array(rank + 1, pa.int32()),
            "item": _key_column(store.keys(ranker.what.item_table)[items[place, rank]]),
            "score": pa.array(scores[place, rank]),
        }
    )


def _key_column(keys: Keys) -> pa.Array:
    return pa.array([key.decode() for key in keys.tolist()] if keys.dtype.kind == "S" else keys)
