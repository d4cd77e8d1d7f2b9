"""A training table becomes a folder with `rows.parquet` (and `classes.parquet`), and is read back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import Artifact, read_artifact, write_artifact
from model.errors import UserError
from model.labels.table import SPLITS, Lists, TrainingTable, Values

ROWS_FILE = "rows.parquet"
CLASSES_FILE = "classes.parquet"


def write_training_table(
    table: TrainingTable, path: Path, *, parents: Mapping[str, str], settings: Mapping[str, Any]
) -> Artifact:
    """Write the rows as parquet, in an artifact of kind `training_table`."""
    columns = {
        "entity": pa.array(table.entity),
        "cutoff_ns": pa.array(table.cutoff_ns),
        "label": as_column(table.label),
        "split": pa.array(table.split.tolist(), pa.string()).dictionary_encode(),
    }
    if table.lists is not None:
        columns["items"] = pa.LargeListArray.from_arrays(pa.array(table.lists.offsets), pa.array(table.lists.values))
    rows = pa.table(columns).replace_schema_metadata({"entity_table": table.entity_table})
    with write_artifact(path, kind="training_table", parents=parents, settings=settings) as draft:
        pq.write_table(rows, draft.path / ROWS_FILE, compression="zstd")
        if table.classes is not None:
            pq.write_table(pa.table({"class": pa.array(table.classes)}), draft.path / CLASSES_FILE)
        for name in SPLITS:
            what, number = table.summary(name)
            draft.metrics[f"num_{name}_rows"] = len(table.rows(name))
            draft.metrics[what.replace(" ", f"_{name}_", 1).replace(" ", "_")] = number
    return read_artifact(path, kind="training_table")


def read_training_table(path: Path) -> TrainingTable:
    """Read what `write_training_table` wrote.

    Raises:
        UserError: no such artifact, or rows that cannot be read.
    """
    read_artifact(path, kind="training_table")
    rows = _read(path / ROWS_FILE)
    classes = path / CLASSES_FILE
    return TrainingTable(
        entity_table=rows.schema.metadata[b"entity_table"].decode(),
        entity=as_values(rows["entity"].to_numpy()),
        cutoff_ns=rows["cutoff_ns"].to_numpy(),
        label=from_column(rows["label"]).astype(np.float32),
        split=np.array(rows["split"].to_pylist(), dtype=np.str_),
        classes=as_values(_read(classes)["class"].to_numpy()) if classes.exists() else None,
        lists=as_lists(rows["items"]) if "items" in rows.column_names else None,
    )


def as_values(found: npt.NDArray[Any]) -> Values:
    """Whole numbers as int64, anything else as objects."""
    return found.astype(np.int64) if found.dtype.kind in "iu" else np.asarray(found, dtype=np.object_)


def as_lists(column: pa.ChunkedArray) -> Lists:
    """A column of lists without nulls."""
    lengths = column.combine_chunks().value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    flat = column.combine_chunks().flatten()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Lists(values=as_values(flat.to_numpy(zero_copy_only=False)), offsets=offsets)


def as_column(label: npt.NDArray[np.floating]) -> pa.Array:
    """Numbers [rows], or [rows, k] as lists of a fixed length."""
    if label.ndim == 1:
        return pa.array(label)
    return pa.FixedSizeListArray.from_arrays(pa.array(label.ravel()), label.shape[1])


def from_column(column: pa.ChunkedArray) -> npt.NDArray[np.floating]:
    """The inverse of `as_column`."""
    if not pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.to_numpy())
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat).reshape(len(column), column.type.list_size)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"cannot read `{path}`: {error}", hint="build the training table again") from error
