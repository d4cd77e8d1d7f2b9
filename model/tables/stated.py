"""Keys, row time and links that a parquet file itself states in its metadata, as RelBench's do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_KEY, _TIME, _LINKS = b"pkey_col", b"time_col", b"fkey_col_to_pkey_table"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """What one table says of itself."""

    primary_key: str | None
    time_column: str | None
    links: Mapping[str, str]
    """Foreign-key column -> the table whose key it holds."""


def read_stated(files: Mapping[str, Path]) -> dict[str, Stated]:
    """What tables state, by name; those that say nothing, or speak of columns that they do not have, are left out.

    Args:
        files: table -> its first file.
    """
    found = {name: _read(path) for name, path in files.items() if path.suffix == ".parquet"}
    return {name: stated for name, stated in found.items() if stated is not None}


def _read(path: Path) -> Stated | None:
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return None  # DuckDB reads the file next, and says what is wrong with it
    metadata = schema.metadata or {}
    if not {_KEY, _TIME, _LINKS} <= set(metadata):
        return None
    try:
        key, time, links = (json.loads(metadata[name]) for name in (_KEY, _TIME, _LINKS))
    except ValueError:
        return None
    return Stated(primary_key=key, time_column=time, links=links) if _fits(key, time, links, schema.names) else None


def _fits(key: Any, time: Any, links: Any, columns: list[str]) -> bool:  # noqa: ANN401 - what JSON holds
    return (
        isinstance(links, dict)
        and all(isinstance(parent, str) for parent in links.values())
        and {name for name in (key, time, *links) if name is not None} <= set(columns)
    )
