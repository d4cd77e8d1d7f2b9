"""Where the arrays of a graph store lie, and how a key finds its row."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from model.errors import UserError
from model.graph import Link, SemanticType
from model.served.missing import MISSING_INT64

Keys = npt.NDArray[np.int64] | npt.NDArray[np.bytes_]
Rows = npt.NDArray[np.int64]

ALWAYS = MISSING_INT64
"""Time of rows that have always existed."""
NEVER = 2**63 - 1
"""Time of rows whose time is unknown: after every cut-off."""
STORE_FILE = "store.json"
CODED = (SemanticType.CATEGORICAL, SemanticType.TEXT)
"""Semantic types that are stored as int32 codes and a list of categories."""
BAGGED = (SemanticType.TEXT, SemanticType.MULTICATEGORICAL)
"""Semantic types that are stored as hashed parts, texts beside their codes."""
STORED = (SemanticType.NUMERICAL, SemanticType.TIMESTAMP, SemanticType.EMBEDDING, *CODED)
"""Semantic types that are stored as one array."""


def find_rows(sorted_keys: Keys, key_order: npt.NDArray[np.int32], keys: npt.ArrayLike, table: str = "") -> Rows:
    """[keys] `key_order` at the place of each key in `sorted_keys`, -1 where it is not there."""
    wanted = as_keys(keys, sorted_keys.dtype, table)
    if len(sorted_keys) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    rows: Rows = np.where(sorted_keys[place] == wanted, key_order[place].astype(np.int64), -1)
    return rows


def as_keys(keys: npt.ArrayLike, like: np.dtype[Any], table: str = "") -> Keys:
    """`keys` as int64 or UTF-8 bytes, as the table's own keys are."""
    values = np.asarray(keys)
    if like.kind != "S":
        try:
            return values.astype(np.int64)
        except (ValueError, TypeError) as error:
            raise UserError(f"keys of `{table}` are whole numbers (got {values.ravel()[0]!r})") from error
    if values.dtype.kind == "S":
        return values
    encoded: npt.NDArray[np.bytes_] = np.strings.encode(values.astype(np.str_), "utf-8")
    return encoded


def table_path(store: Path, table: str) -> Path:
    """Folder of a table's arrays."""
    return store / "tables" / _file_name(table)


def column_path(store: Path, table: str, column: str) -> Path:
    """File of a column's array; its categories lie beside it as `.json`."""
    return table_path(store, table) / "columns" / f"{_file_name(column)}.npy"


def bag_path(store: Path, table: str, column: str) -> Path:
    """Folder of a column's hashed parts."""
    return column_path(store, table, column).with_suffix(".bag")


def link_path(store: Path, link: Link) -> Path:
    """Folder of a link's arrays."""
    return store / "links" / _file_name(str(link))


def _file_name(name: str) -> str:
    """A name that is safe on any disk; a leading dot must not hide the file."""
    return quote(name, safe=" ").replace(".", "%2E")
