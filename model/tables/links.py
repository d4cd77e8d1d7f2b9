# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Columns of raw tables become links: by the name of a parent's key, or by the values of one."""

from collections.abc import Mapping

import duckdb

from model.graph import Link
from model.tables.facts import Facts
from model.tables.key_names import FLOATS, ID_NAME, INTEGERS, forms, plain
from model.tables.sql_text import quote

_MIN_CONTAINED = 0.5
"""Share of a column's values that must be keys of the parent when the names agree; dangling keys are for the check."""
_MIN_COVERED = 0.5
"""Share of the parent's keys that a column must use when only the values agree."""


def find_links(
    connection: duckdb.DuckDBPyConnection,
    types: Mapping[str, Mapping[str, str]],
    facts: Mapping[str, Mapping[str, Facts]],
    keys: Mapping[str, str | None],
) -> list[Link]:
    """One link at most a column: the parent whose key it is named after, or else the one whose keys it uses."""
    links = []
    for child, columns in types.items():
        for name, storage in columns.items():
            known = facts[child][name]
            if name == keys[child] or (known.num_rows and not known.num_values):
                continue
            if storage in FLOATS and not (_is_like_key(name, keys) and _is_whole(connection, child, name)):
                continue
            parents = [
                (parent, key)
                for parent, key in keys.items()
                if key is not None and parent != child and _same_kind(types[parent][key], storage)
            ]
            parent = _parent_by_name(connection, child, name, parents, known) or _parent_by_values(
                connection, child, name, parents, facts
            )
            if parent is not None:
                links.append(Link(child_table=child, child_column=name, parent_table=parent))
    return links


def _is_like_key(column: str, keys: Mapping[str, str | None]) -> bool:
    return bool(ID_NAME.search(column)) or any(plain(column) in forms(parent) for parent in keys)


def _same_kind(key: str, storage: str) -> bool:
    return key == storage or (key in INTEGERS and storage in INTEGERS | FLOATS)


def _is_whole(connection: duckdb.DuckDBPyConnection, child: str, column: str) -> bool:
    """Whether numbers of a floating type are all whole; NaN is a gap."""
    name = quote(column)
    query = f"SELECT coalesce(bool_and(isnan(exp({name})) OR {name} = floor({name})), false) FROM raw.{quote(child)}"
    row = connection.execute(query).fetchone()
    assert row is not None
    return bool(row[0])


def _parent_by_name(
    connection: duckdb.DuckDBPyConnection, child: str, column: str, parents: list[tuple[str, str]], facts: Facts
) -> str | None:
    """By name and values; a table without rows yet has nothing but names."""
    for parent, key in parents:
        wanted = {plain(key)} - {"id", "key"} | {f + s for f in forms(parent) for s in ("id", "key", "code", "")}
        bare = plain(column)
        is_suffix = any(bare.endswith(word) and len(word) > 3 for word in wanted)
        if not (bare in wanted or is_suffix):
            continue
        if not facts.num_rows:
            return parent
        contained, _ = _containment(connection, child, column, parent, key)
        if contained >= (_MIN_CONTAINED if bare in wanted else 0.9):
            return parent
    return None


def _parent_by_values(
    connection: duckdb.DuckDBPyConnection,
    child: str,
    column: str,
    parents: list[tuple[str, str]],
    facts: Mapping[str, Mapping[str, Facts]],
) -> str | None:
    """Only for columns named like keys: small integers are contained in almost every key."""
    if not ID_NAME.search(column) or facts[child][column].num_distinct < 20:
        return None
    found = {p: _containment(connection, child, column, p, key) for p, key in parents}
    good = {p: covered for p, (contained, covered) in found.items() if contained == 1.0 and covered >= _MIN_COVERED}
    return max(good, key=lambda parent: good[parent]) if good else None


def _containment(
    connection: duckdb.DuckDBPyConnection, child: str, column: str, parent: str, key: str
) -> tuple[float, float]:
    """(share of the column's different values that are keys, share of the keys that occur in the column)."""
    query = f"""
        WITH used AS (
            SELECT DISTINCT {quote(column)} AS k FROM raw.{quote(child)}
            WHERE {quote(column)} IS NOT NULL AND CAST({quote(column)} AS VARCHAR) != 'nan'
        )
        SELECT (SELECT count(*) FROM used), count(*),
            count(*) FILTER (WHERE {quote(key)} IN (SELECT k FROM used))
        FROM raw.{quote(parent)}"""
    row = connection.execute(query).fetchone()
    assert row is not None
    num_used, num_keys, num_both = row
    return num_both / max(num_used, 1), num_both / max(num_keys, 1)
