# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Storage types and values of raw tables suggest a graph: what columns mean, keys, row times and links.

A guess that the user can overrule in `graph.yaml`; every rule here is a name, a count or a containment.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from model.graph import Column, Graph, Link, SemanticType, Table
from model.tables.sql_text import quote

MAX_CATEGORIES = 1000
"""A column named like a key with more different values than this is an id, not a category."""
MAX_CATEGORIES_UNNAMED = 20_000
"""The same for columns with any other name."""
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_FLOATS = {"FLOAT", "DOUBLE"}
_ID_NAME = re.compile(r"(^|_)(id|ids|key|code|no|nr|uuid|guid|sku|isbn)$|[a-z](Id|ID|Key|Code)$", re.ASCII)
_NOT_ROW_TIME = re.compile(r"birth|dob|expir|valid|due|end|until|updat|modif|delet|cancel|deliver|ship|last", re.ASCII)
_DATE_TEXT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_ANY_KEY = ("id", "key")
"""Names of a key in any table."""
_MAX_SPACED = 0.2
"""Of the values of a column that bears the table's own name: more with a space make it a title, not a key."""
_MIN_CONTAINED = 0.5
"""Share of a column's values that must be keys of the parent when the names agree; dangling keys are for the check."""
_MIN_COVERED = 0.5
"""Share of the parent's keys that a column must use when only the values agree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
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


def infer_graph(connection: duckdb.DuckDBPyConnection, types: Mapping[str, Mapping[str, str]]) -> Graph:
    """The graph of the tables in schema `raw`.

    Args:
        connection: where schema `raw` holds every table of `types`.
        types: table -> column -> DuckDB type.
    """
    facts = {table: _facts(connection, table, columns) for table, columns in types.items()}
    keys = {table: _primary_key(connection, table, types, facts[table]) for table in types}
    links = _links(connection, types, facts, keys)
    linked = {(link.child_table, link.child_column) for link in links}
    tables = []
    for table, columns in types.items():
        ids = {name for name in columns if (table, name) in linked or name == keys[table]}
        inferred = tuple(_column(name, storage, facts[table][name], name in ids) for name, storage in columns.items())
        tables.append(Table(name=table, columns=inferred, primary_key=keys[table], time_column=_time_column(inferred)))
    return Graph(tables=tuple(tables), links=tuple(links))


def _facts(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> dict[str, _Facts]:
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
        name: _Facts(
            num_rows=row[0],
            num_values=values,
            num_distinct=distinct,
            mean_length=float(length or 0),
            share_spaced=float(spaced or 0),
            is_date_text=bool(dated),
        )
        for name, (values, distinct, length, spaced, dated) in zip(columns, pieces, strict=True)
    }


def _column(name: str, storage: str, facts: _Facts, is_key: bool) -> Column:
    meaning = SemanticType.ID if is_key else _meaning(name, storage, facts)
    stored = "TIMESTAMP" if meaning is SemanticType.TIMESTAMP else storage
    return Column(name=name, semantic_type=meaning, storage_type=stored)


def _meaning(name: str, storage: str, facts: _Facts) -> SemanticType:
    if facts.num_rows and not facts.num_values:
        return SemanticType.IGNORED
    if storage == "TIMESTAMP" or facts.is_date_text:
        return SemanticType.TIMESTAMP
    if storage == "BOOLEAN":
        return SemanticType.CATEGORICAL
    if storage in _FLOATS:
        return SemanticType.NUMERICAL
    if storage in _INTEGERS:
        if not _ID_NAME.search(name):
            return SemanticType.NUMERICAL
        return SemanticType.CATEGORICAL if facts.num_distinct <= MAX_CATEGORIES else SemanticType.ID
    if storage == "VARCHAR":
        return _string_meaning(name, facts)
    if storage.endswith("]"):
        return SemanticType.MULTICATEGORICAL if storage.startswith("VARCHAR") else SemanticType.EMBEDDING
    return SemanticType.IGNORED


def _string_meaning(name: str, facts: _Facts) -> SemanticType:
    repeats = facts.num_values / max(facts.num_distinct, 1)
    is_text = facts.share_spaced > 0.5 and facts.mean_length > 12
    is_id_name = bool(_ID_NAME.search(name))
    max_categories = MAX_CATEGORIES if is_id_name else MAX_CATEGORIES_UNNAMED
    if facts.num_distinct <= max_categories and (repeats >= 3 or facts.num_distinct <= 20):
        return SemanticType.CATEGORICAL
    if is_text or (facts.share_spaced > 0.2 and not is_id_name):
        return SemanticType.TEXT
    return SemanticType.ID


def _primary_key(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    types: Mapping[str, Mapping[str, str]],
    facts: Mapping[str, _Facts],
) -> str | None:
    """The first unique column that is named like a key: the table's own `..._id`, its bare name, any other key.

    A column that bears the name of another table's key is a link, however unique it is: one account a customer does not
    make the customer the key of accounts.
    """
    columns = types[table]
    named = key_names(table, columns)
    bare = [name for name in columns if _plain(name) in _forms(table) and facts[name].share_spaced < _MAX_SPACED]
    foreign = {name for other in types if other != table for name in _named_after(other, types[other], columns)}
    others = [name for name in columns if _ID_NAME.search(name) and name not in foreign]
    for name in dict.fromkeys([*named, *bare, *others]):
        known = facts[name]
        might_be = known.num_values == known.num_rows and known.num_distinct >= 0.8 * known.num_rows
        is_key_type = columns[name] in _INTEGERS or columns[name] == "VARCHAR"
        if might_be and is_key_type and _is_unique(connection, table, name):
            return name
    return None


def _named_after(parent: str, parent_columns: Iterable[str], columns: Iterable[str]) -> list[str]:
    """The columns named after the key of `parent`, where it has one of its own, e.g. `customer_id` in any table."""
    if not key_names(parent, parent_columns):
        return []
    return [name for name in key_names(parent, columns) if _plain(name) not in _ANY_KEY]


def key_names(table: str, columns: Iterable[str]) -> list[str]:
    """The columns that bear the name of the table's key, e.g. `customer_id` of `customers`."""
    own = [f"{form}{suffix}" for form in _forms(table) for suffix in ("id", "key", "code", "no")]
    return [name for name in columns if _plain(name) in {*_ANY_KEY, *own}]


def _is_unique(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    query = f"SELECT count(*) = count(DISTINCT {quote(column)}) FROM raw.{quote(table)}"
    row = connection.execute(query).fetchone()
    assert row is not None
    return bool(row[0])


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _forms(table: str) -> list[str]:
    """The table's name without underscores, as it is and in the singular."""
    plain = _plain(table)
    singular = re.sub(r"(?<!s)s$", "", re.sub(r"ies$", "y", re.sub(r"(ss|x|ch|sh)es$", r"\1", plain)))
    return [plain, singular]


def _time_column(columns: tuple[Column, ...]) -> str | None:
    """The first timestamp whose name does not speak of another moment than the row's own."""
    times = [c.name for c in columns if c.semantic_type is SemanticType.TIMESTAMP]
    return next((name for name in times if not _NOT_ROW_TIME.search(name.lower())), None)


def _links(
    connection: duckdb.DuckDBPyConnection,
    types: Mapping[str, Mapping[str, str]],
    facts: Mapping[str, Mapping[str, _Facts]],
    keys: Mapping[str, str | None],
) -> list[Link]:
    """One link at most a column: the parent whose key it is named after, or else the one whose keys it uses."""
    links = []
    for child, columns in types.items():
        for name, storage in columns.items():
            known = facts[child][name]
            if name == keys[child] or (known.num_rows and not known.num_values):
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


def _same_kind(left: str, right: str) -> bool:
    return left == right or (left in _INTEGERS and right in _INTEGERS)


def _parent_by_name(
    connection: duckdb.DuckDBPyConnection, child: str, column: str, parents: list[tuple[str, str]], facts: _Facts
) -> str | None:
    """By name and values; a table without rows yet has nothing but names."""
    for parent, key in parents:
        wanted = {_plain(key)} - {"id", "key"} | {f + s for f in _forms(parent) for s in ("id", "key", "code", "")}
        plain = _plain(column)
        is_suffix = any(plain.endswith(word) and len(word) > 3 for word in wanted)
        if not (plain in wanted or is_suffix):
            continue
        if not facts.num_rows:
            return parent
        contained, _ = _containment(connection, child, column, parent, key)
        if contained >= (_MIN_CONTAINED if plain in wanted else 0.9):
            return parent
    return None


def _parent_by_values(
    connection: duckdb.DuckDBPyConnection,
    child: str,
    column: str,
    parents: list[tuple[str, str]],
    facts: Mapping[str, Mapping[str, _Facts]],
) -> str | None:
    """Only for columns named like keys: small integers are contained in almost every key."""
    if not _ID_NAME.search(column) or facts[child][column].num_distinct < 20:
        return None
    found = {p: _containment(connection, child, column, p, key) for p, key in parents}
    good = {p: covered for p, (contained, covered) in found.items() if contained == 1.0 and covered >= _MIN_COVERED}
    return max(good, key=lambda parent: good[parent]) if good else None


def _containment(
    connection: duckdb.DuckDBPyConnection, child: str, column: str, parent: str, key: str
) -> tuple[float, float]:
    """(share of the column's different values that are keys, share of the keys that occur in the column)."""
    query = f"""
        WITH used AS (SELECT DISTINCT {quote(column)} AS k FROM raw.{quote(child)} WHERE {quote(column)} IS NOT NULL)
        SELECT (SELECT count(*) FROM used), count(*),
            count(*) FILTER (WHERE {quote(key)} IN (SELECT k FROM used))
        FROM raw.{quote(parent)}"""
    row = connection.execute(query).fetchone()
    assert row is not None
    num_used, num_keys, num_both = row
    return num_both / max(num_used, 1), num_both / max(num_keys, 1)
