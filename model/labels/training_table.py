"""A query at many cut-offs becomes rows of (entity, cut-off, label, split). The only module that writes labels.

A row at cut-off `t` is labelled by `(t, t + horizon]`; everything a model sees for it is at or before `t`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import Artifact, read_artifact, write_artifact
from model.errors import UserError
from model.labels.plan import TrainingPlan as TrainingPlan
from model.labels.plan import suggest_plan as suggest_plan
from model.progress import Progress, silent
from model.query.bound import BoundQuery
from model.query.sql import entity_sql, label_sql
from model.tables.database import Database
from model.tables.sources import reading
from model.tables.sql_text import quote

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
ROWS_FILE = "rows.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingTable:
    """Labelled rows, sorted by cut-off then entity."""

    entity_table: str
    entity: npt.NDArray[np.int64] | npt.NDArray[np.object_]
    """[rows] primary-key values of the entity table."""
    cutoff_ns: npt.NDArray[np.int64]
    """[rows] nanoseconds since the Unix epoch, UTC."""
    label: npt.NDArray[np.float32]
    """[rows] 0/1 for binary tasks, the value for regression."""
    split: npt.NDArray[np.str_]
    """[rows] `train`, `validation` or `test`."""

    def __len__(self) -> int:
        return len(self.cutoff_ns)

    def rows(self, split: Split) -> npt.NDArray[np.int64]:
        """Positions of the rows of one split."""
        return np.flatnonzero(self.split == split)


def build_training_table(
    database: Database, bound: BoundQuery, plan: TrainingPlan, progress: Progress = silent
) -> TrainingTable:
    """Label every entity that passes the filter at every cut-off of the plan.

    A training table larger than `plan.max_training_rows` is thinned at random; validation and test are kept whole.

    Raises:
        UserError: no rows, one label only, repeated entity keys, or a task that has no single number as its label.
    """
    plan.check(bound)
    _refuse_unlabelled(database, bound, plan)
    progress(0, 2)
    found = _numpy(database, label_sql(bound, database.graph, plan.cutoffs_ns(bound)))
    progress(1, 2)
    cutoff_ns = found["cutoff_ns"].astype(np.int64)
    split = plan.split(bound, cutoff_ns)
    kept = np.sort(np.concatenate([_thinned(np.flatnonzero(split == name), name, plan) for name in SPLITS]))
    table = TrainingTable(
        entity_table=bound.entity_table,
        entity=_keys(found["entity"])[kept],
        cutoff_ns=cutoff_ns[kept],
        label=found["label"].astype(np.float32)[kept],
        split=split[kept],
    )
    _refuse_useless(table, bound)
    progress(2, 2)
    return table


def prediction_rows(
    database: Database, bound: BoundQuery, cutoff_ns: int
) -> npt.NDArray[np.int64] | npt.NDArray[np.object_]:
    """Sorted keys of the entities that exist at the cut-off and pass the filter; ASSUMING is taken as given."""
    return _keys(_numpy(database, entity_sql(bound, database.graph, cutoff_ns))["entity"])


def write_training_table(
    table: TrainingTable, path: Path, *, parents: Mapping[str, str], settings: Mapping[str, Any]
) -> Artifact:
    """Write the rows as parquet, in an artifact of kind `training_table`."""
    columns = {
        "entity": pa.array(table.entity),
        "cutoff_ns": pa.array(table.cutoff_ns),
        "label": pa.array(table.label),
        "split": pa.array(table.split.tolist(), pa.string()).dictionary_encode(),
    }
    rows = pa.table(columns).replace_schema_metadata({"entity_table": table.entity_table})
    with write_artifact(path, kind="training_table", parents=parents, settings=settings) as draft:
        pq.write_table(rows, draft.path / ROWS_FILE, compression="zstd")
        for name in SPLITS:
            label = table.label[table.rows(name)]
            draft.metrics[f"num_{name}_rows"] = len(label)
            draft.metrics[f"mean_{name}_label"] = float(label.mean(dtype=np.float64)) if len(label) else None
    return read_artifact(path, kind="training_table")


def read_training_table(path: Path) -> TrainingTable:
    """Read what `write_training_table` wrote.

    Raises:
        UserError: no such artifact, or rows that cannot be read.
    """
    read_artifact(path, kind="training_table")
    try:
        rows = pq.read_table(path / ROWS_FILE)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"cannot read `{path / ROWS_FILE}`: {error}", hint="build the training table again") from error
    return TrainingTable(
        entity_table=rows.schema.metadata[b"entity_table"].decode(),
        entity=_keys(rows["entity"].to_numpy()),
        cutoff_ns=rows["cutoff_ns"].to_numpy(),
        label=rows["label"].to_numpy(),
        split=np.array(rows["split"].to_pylist(), dtype=np.str_),
    )


def _numpy(database: Database, sql: str) -> dict[str, npt.NDArray[Any]]:
    try:
        with reading(database.folder), database.connection.cursor() as cursor:
            return {name: np.asarray(column) for name, column in cursor.execute(sql).fetchnumpy().items()}
    except duckdb.OutOfRangeException as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"a value of the query is out of range: {reason}", hint="filter such rows out") from error


def _keys(found: npt.NDArray[Any]) -> npt.NDArray[np.int64] | npt.NDArray[np.object_]:
    """Whole numbers as int64, anything else as objects."""
    return found.astype(np.int64) if found.dtype.kind in "iu" else np.asarray(found, dtype=np.object_)


def _thinned(rows: npt.NDArray[np.int64], name: Split, plan: TrainingPlan) -> npt.NDArray[np.int64]:
    if name != "train" or len(rows) <= plan.max_training_rows:
        return rows
    drawn = np.random.default_rng(plan.seed).choice(rows, plan.max_training_rows, replace=False)
    return np.asarray(drawn, dtype=np.int64)


def _refuse_unlabelled(database: Database, bound: BoundQuery, plan: TrainingPlan) -> None:
    if bound.task not in ("binary", "regression"):
        raise UserError(
            f"a {bound.task} target has no training table yet",
            hint="predict one class at a time, e.g. `PREDICT table.column = 'value' FOR EACH ...`",
        )
    key, table = quote(bound.entity_key), quote(bound.entity_table)
    repeated = database.rows(f"SELECT count({key}) - count(DISTINCT {key}) FROM {table}")[0][0]  # noqa: S608
    if repeated:
        raise UserError(
            f"{repeated} rows of `{bound.entity_table}` repeat a primary key `{bound.entity_key}`",
            hint="keep one row a key; `stillhouse check` lists them",
        )
    if bound.is_static:
        return
    last = database.time_range()[1]
    late = [cutoff for cutoff in (*plan.validation_ns, *plan.test_ns) if cutoff + bound.horizon_ns > last]
    if late:
        raise UserError(
            f"the label window of cut-off {np.datetime64(late[0], 'ns')} ends after the last row of the tables "
            f"({np.datetime64(last, 'ns')})",
            hint="choose an earlier cut-off; what has not happened yet cannot be a label",
        )


def _refuse_useless(table: TrainingTable, bound: BoundQuery) -> None:
    for name in SPLITS:
        if not len(table.rows(name)):
            raise UserError(
                f"no {name} row: no entity passes the filter at these cut-offs",
                hint="widen WHERE or ASSUMING, or choose other cut-offs",
            )
    labels = np.unique(table.label[table.rows("train")])
    if len(labels) == 1:
        raise UserError(
            f"every training row has the same label (got {labels[0]:g})",
            hint="change the condition or the window so that both outcomes occur",
        )
