# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Storage types and values of raw tables suggest a graph: what columns mean, keys, row times and links.

A guess that the user can overrule in `graph.yaml`; every rule here is a name, a count or a containment.
"""

import re
from collections.abc import Iterable, Mapping

import duckdb

from model.graph import Column, Graph, Link, SemanticType, Table
from model.tables.facts import Facts, column_facts
from model.tables.key_names import ANY_KEY, FLOATS, ID_NAME, INTEGERS, forms, key_names, plain
from model.tables.links import find_links
from model.tables.sql_text import quote
from model.tables.stated import Stated

MAX_CATEGORIES = 1000
"""A column named like a key with more different values than this is an id, not a category."""
MAX_CATEGORIES_UNNAMED = 20_000
"""The same for columns with any other name."""
_NOT_ROW_TIME = re.compile(r"birth|dob|expir|valid|due|end|until|updat|modif|delet|cancel|deliver|ship|last", re.ASCII)
_MAX_SPACED = 0.2
"""Of the values of a column that bears the table's own name: more with a space make it a title, not a key."""


def infer_graph(
    connection: duckdb.DuckDBPyConnection,
    types: Mapping[str, Mapping[str, str]],
    stated: Mapping[str, Stated] | None = None,
) -> Graph:
    """The graph of the tables in schema `raw`.

    Args:
        connection: where schema `raw` holds every table of `types`.
        types: table -> column -> DuckDB type.
        stated: tables whose files state key, time and links: these are not guessed.
    """
    stated = stated or {}
    facts = {table: column_facts(connection, table, columns) for table, columns in types.items()}
    keys = {
        table: stated[table].primary_key if table in stated else _primary_key(connection, table, types, facts[table])
        for table in types
    }
    links = [link for link in find_links(connection, types, facts, keys) if link.child_table not in stated]
    links += [
        Link(child_table=child, child_column=column, parent_table=parent)
        for child, told in stated.items()
        for column, parent in told.links.items()
        if keys.get(parent) is not None
    ]
    held = {(link.child_table, link.child_column): types[link.parent_table][_key(keys, link)] for link in links}
    tables = []
    for table, columns in types.items():
        inferred = tuple(
            _column(
                name,
                _key_storage(storage, held.get((table, name))),
                facts[table][name],
                (table, name) in held or name == keys[table],
            )
            for name, storage in columns.items()
        )
        time = stated[table].time_column if table in stated else _time_column(inferred)
        tables.append(Table(name=table, columns=inferred, primary_key=keys[table], time_column=time))
    return Graph(tables=tuple(tables), links=tuple(links))


def _key(keys: Mapping[str, str | None], link: Link) -> str:
    key = keys[link.parent_table]
    assert key is not None, "a link leads to a table with a key"
    return key


def _key_storage(storage: str, parent_key: str | None) -> str:
    """A column of whole numbers with gaps is often stored as a fraction: it takes the type of the key that it holds."""
    return parent_key if parent_key in INTEGERS and storage in FLOATS else storage


def _column(name: str, storage: str, facts: Facts, is_key: bool) -> Column:
    meaning = SemanticType.ID if is_key else _meaning(name, storage, facts)
    stored = "TIMESTAMP" if meaning is SemanticType.TIMESTAMP else storage
    return Column(name=name, semantic_type=meaning, storage_type=stored)


def _meaning(name: str, storage: str, facts: Facts) -> SemanticType:
    if facts.num_rows and not facts.num_values:
        return SemanticType.IGNORED
    if storage == "TIMESTAMP" or facts.is_date_text:
        return SemanticType.TIMESTAMP
    if storage == "BOOLEAN":
        return SemanticType.CATEGORICAL
    if storage in FLOATS:
        return SemanticType.NUMERICAL
    if storage in INTEGERS:
        if not ID_NAME.search(name):
            return SemanticType.NUMERICAL
        return SemanticType.CATEGORICAL if facts.num_distinct <= MAX_CATEGORIES else SemanticType.ID
    if storage == "VARCHAR":
        return _string_meaning(name, facts)
    if storage.endswith("]"):
        return SemanticType.MULTICATEGORICAL if storage.startswith("VARCHAR") else SemanticType.EMBEDDING
    return SemanticType.IGNORED


def _string_meaning(name: str, facts: Facts) -> SemanticType:
    repeats = facts.num_values / max(facts.num_distinct, 1)
    is_text = facts.share_spaced > 0.5 and facts.mean_length > 12
    is_id_name = bool(ID_NAME.search(name))
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
    facts: Mapping[str, Facts],
) -> str | None:
    """The first unique column that is named like a key: the table's own `..._id`, its bare name, any other key.

    A column that bears the name of another table's key is a link, however unique it is: one account a customer does not
    make the customer the key of accounts.
    """
    columns = types[table]
    named = key_names(table, columns)
    bare = [name for name in columns if plain(name) in forms(table) and facts[name].share_spaced < _MAX_SPACED]
    foreign = {name for other in types if other != table for name in _named_after(other, types[other], columns)}
    others = [name for name in columns if ID_NAME.search(name) and name not in foreign]
    for name in dict.fromkeys([*named, *bare, *others]):
        known = facts[name]
        might_be = known.num_values == known.num_rows and known.num_distinct >= 0.8 * known.num_rows
        is_key_type = columns[name] in INTEGERS or columns[name] == "VARCHAR"
        if might_be and is_key_type and _is_unique(connection, table, name):
            return name
    return None


def _named_after(parent: str, parent_columns: Iterable[str], columns: Iterable[str]) -> list[str]:
    """The columns named after the key of `parent`, where it has one of its own, e.g. `customer_id` in any table."""
    if not key_names(parent, parent_columns):
        return []
    return [name for name in key_names(parent, columns) if plain(name) not in ANY_KEY]


def _is_unique(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    query = f"SELECT count(*) = count(DISTINCT {quote(column)}) FROM raw.{quote(table)}"
    row = connection.execute(query).fetchone()
    assert row is not None
    return bool(row[0])


def _time_column(columns: tuple[Column, ...]) -> str | None:
    """The first timestamp whose name does not speak of another moment than the row's own."""
    times = [c.name for c in columns if c.semantic_type is SemanticType.TIMESTAMP]
    return next((name for name in times if not _NOT_ROW_TIME.search(name.lower())), None)
