"""Little tables for tests: writing a folder of parquet files from columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

DAY_NS = 86_400 * 10**9


def write_tables(folder: Path, **tables: Mapping[str, Sequence[Any]]) -> Path:
    """One `<name>.parquet` a table; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables.items():
        pd.DataFrame(dict(columns)).to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def day(number: float) -> pd.Timestamp:
    """Midnight of 2024-01-01 plus so many days."""
    return pd.Timestamp("2024-01-01") + pd.Timedelta(days=number)


def day_ns(number: float) -> int:
    """The same in nanoseconds since the Unix epoch."""
    return int(day(number).value)
