"""A little database that tests fill by hand: customers <- transactions -> articles, with awkward values."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from model.graph import Column, Graph, Link, SemanticType, Table
from model.store.store import GraphStore, build_store, open_store

DAY_NS = 86_400 * 10**9
START_NS = 1_700_000_000 * 10**9 // DAY_NS * DAY_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallTables:
    """What `build_store` needs of a database."""

    connection: duckdb.DuckDBPyConnection
    graph: Graph


def _column(name: str, semantic_type: SemanticType, storage_type: str) -> Column:
    return Column(name=name, semantic_type=semantic_type, storage_type=storage_type)


CUSTOMERS = Table(
    name="customers",
    primary_key="id",
    columns=(
        _column("id", SemanticType.ID, "BIGINT"),
        _column("age", SemanticType.NUMERICAL, "INTEGER"),
        _column("club", SemanticType.CATEGORICAL, "VARCHAR"),
        _column("member", SemanticType.CATEGORICAL, "BOOLEAN"),
        _column("joined", SemanticType.TIMESTAMP, "TIMESTAMP"),
    ),
)
ARTICLES = Table(
    name="articles",
    primary_key="code",
    time_column="launched",
    columns=(
        _column("code", SemanticType.ID, "VARCHAR"),
        _column("launched", SemanticType.TIMESTAMP, "TIMESTAMP"),
        _column("colour", SemanticType.CATEGORICAL, "VARCHAR"),
        _column("story", SemanticType.TEXT, "VARCHAR"),
    ),
)
TRANSACTIONS = Table(
    name="transactions",
    primary_key="id",
    time_column="t",
    columns=(
        _column("id", SemanticType.ID, "BIGINT"),
        _column("t", SemanticType.TIMESTAMP, "TIMESTAMP"),
        _column("customer", SemanticType.ID, "BIGINT"),
        _column("article", SemanticType.ID, "VARCHAR"),
        _column("price", SemanticType.NUMERICAL, "DOUBLE"),
        _column("channel", SemanticType.CATEGORICAL, "INTEGER"),
    ),
)
TO_CUSTOMER = Link(child_table="transactions", child_column="customer", parent_table="customers")
TO_ARTICLE = Link(child_table="transactions", child_column="article", parent_table="articles")
GRAPH = Graph(tables=(CUSTOMERS, ARTICLES, TRANSACTIONS), links=(TO_CUSTOMER, TO_ARTICLE))


def small_tables(num_customers: int = 40, num_articles: int = 12, num_transactions: int = 900) -> SmallTables:
    """Seeded tables over a hundred days from START_NS, with ties in time, nulls, strangers and unknown times."""
    connection = duckdb.connect()
    connection.sql("SELECT setseed(0.25)").fetchall()
    start = f"make_timestamp_ns({START_NS})"
    connection.execute(
        f"""CREATE TABLE customers AS SELECT 1000 + 7 * i AS id, CASE WHEN i % 9 <> 0 THEN 20 + i END AS age,
        CASE WHEN i % 5 <> 0 THEN ['gold', 'silver', 'bronze'][1 + i % 3] END AS club, i % 2 = 0 AS member,
        CAST({start} AS TIMESTAMP) - to_days(CAST(i AS INTEGER)) AS joined FROM range({num_customers}) r(i)"""
    ).fetchall()
    connection.execute(
        f"""CREATE TABLE articles AS SELECT 'ärt-' || i AS code,
        CASE WHEN i % 4 <> 3 THEN CAST({start} AS TIMESTAMP) + to_days(CAST(5 * i AS INTEGER)) END AS launched,
        ['red', 'green', 'blue'][1 + i % 3] AS colour, 'story ' || i AS story FROM range({num_articles}) r(i)"""
    ).fetchall()
    connection.execute(
        f"""CREATE TABLE transactions AS SELECT {num_transactions} - i AS id,
        CASE WHEN i % 50 <> 49 THEN CAST({start} AS TIMESTAMP) + to_hours(CAST(floor(random() * 300) * 8 AS INTEGER))
        END AS t,
        CASE WHEN i % 30 <> 29 THEN 1000 + 7 * CAST(floor(pow(random(), 2) * ({num_customers} + 2)) AS BIGINT) END
        AS customer,
        CASE WHEN i % 40 <> 39 THEN 'ärt-' || CAST(floor(random() * ({num_articles} + 1)) AS BIGINT) END AS article,
        CASE i % 60 WHEN 58 THEN NULL WHEN 59 THEN CAST('inf' AS DOUBLE) ELSE random() * 100 END AS price,
        i % 3 AS channel FROM range({num_transactions}) r(i)"""
    ).fetchall()
    return SmallTables(connection=connection, graph=GRAPH)


def small_store(path: Path, **sizes: int) -> GraphStore:
    """The store of `small_tables`."""
    tables = small_tables(**sizes)
    with tables.connection:
        build_store(tables, path)
    return open_store(path)


def at_day(day: float) -> int:
    """Nanoseconds of a moment, in days from the start of the data."""
    return int(START_NS + np.int64(day * 24) * (DAY_NS // 24))
