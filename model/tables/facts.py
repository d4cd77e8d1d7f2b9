# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""One pass over each raw table tells what inference asks of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from model.tables.sql_text import quote

_DATE_TEXT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What one pass over a column tells."""

    num_rows: int
    num_values: int
    """Rows that are not null."""
    num_distinct: int
    """Approximate above a few thousand."""
    mean_length: float
    """Characters; 0 for anything but strings."""
    share_spaced: float
    """Share of strings that hold a space."""
    is_date_text: bool


def column_facts(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> dict[str, Facts]:
    """What one pass over a table of schema `raw` tells of each column."""
    selected = ["count(*)"]
    for name, storage in columns.items():
        column = quote(name)
        selected += [f"count({column})", f"approx_count_distinct({column})"]
        if storage == "VARCHAR":
            selected += [
                f"avg(length({column}))",
                f"avg(contains({column}, ' ')::INT)",
                f"bool_and(regexp_matches({column}, '{_DATE_TEXT}'))",
            ]
        else:
            selected += ["0", "0", "false"]
    row = connection.execute(f"SELECT {', '.join(selected)} FROM raw.{quote(table)}").fetchone()
    assert row is not None
    pieces = (row[start : start + 5] for start in range(1, len(row), 5))
    return {
        name: Facts(
            num_rows=row[0],
            num_values=values,
            num_distinct=distinct,
            mean_length=float(length or 0),
            share_spaced=float(spaced or 0),
            is_date_text=bool(dated),
        )
        for name, (values, distinct, length, spaced, dated) in zip(columns, pieces, strict=True)
    }
