"""Tables of a web shop as a request sees them: customers with views and orders, and strings of high cardinality.

Sessions and baskets come from pools as large as a few minutes of a busy shop need.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from model.graph import Column, Graph, Link, SemanticType, Table
from model.store.store import GraphStore, build_store, open_store

DAY_NS = 86_400 * 10**9
START_NS = 20_000 * DAY_NS
NUM_CUSTOMERS, ROWS_EACH, NUM_DAYS = 512, 48, 90
"""The store's own; embeddings are there for many more customers."""
KEY_STRIDE = 17
"""Between the keys of two of the store's customers, so that look-ups are spread over the embedding table."""


def _column(name: str, semantic_type: SemanticType, storage_type: str) -> Column:
    return Column(name=name, semantic_type=semantic_type, storage_type=storage_type)


def _child(name: str, number: str, *words: str) -> Table:
    columns = (
        _column("id", SemanticType.ID, "BIGINT"),
        _column("happened_at", SemanticType.TIMESTAMP, "TIMESTAMP"),
        _column("customer_id", SemanticType.ID, "BIGINT"),
        *(_column(word, SemanticType.CATEGORICAL, "VARCHAR") for word in words),
        _column(number, SemanticType.NUMERICAL, "DOUBLE"),
    )
    return Table(name=name, primary_key="id", time_column="happened_at", columns=columns)


_NUMBERS = (
    "age",
    "loyalty_points",
    "spend_last_month",
    "spend_last_year",
    "visits_last_month",
    "returns_last_year",
    "complaints_last_year",
    "discount_share",
)
_WORDS = (
    "club_member_status",
    "postal_region",
    "country_code",
    "preferred_language",
    "acquisition_channel",
    "last_campaign",
    "payment_method",
    "newsletter_frequency",
)
CUSTOMERS = Table(
    name="customers",
    primary_key="customer_id",
    columns=(
        _column("customer_id", SemanticType.ID, "BIGINT"),
        *(_column(name, SemanticType.NUMERICAL, "DOUBLE") for name in _NUMBERS),
        *(_column(name, SemanticType.CATEGORICAL, "VARCHAR") for name in _WORDS),
    ),
)
VIEWS = _child("page_views", "seconds", "session_id", "event_id", "product", "device")
ORDERS = _child("order_lines", "price", "basket_id", "product", "channel", "discount_code")
GRAPH = Graph(
    tables=(CUSTOMERS, VIEWS, ORDERS),
    links=tuple(
        Link(child_table=table.name, child_column="customer_id", parent_table="customers") for table in (VIEWS, ORDERS)
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tables:
    connection: duckdb.DuckDBPyConnection
    graph: Graph


def shop_store(path: Path) -> GraphStore:
    """Write the tables' store and open it; the same rows every time."""
    with duckdb.connect() as connection:
        connection.sql("SELECT setseed(0.5)").fetchall()
        for statement in _statements():
            connection.execute(statement).fetchall()
        build_store(_Tables(connection=connection, graph=GRAPH), path)
    return open_store(path)


def _statements() -> list[str]:
    """Ids of sessions, events and baskets look like those of a real shop: UUIDs."""
    numbers = ", ".join(f"round(random() * 1000, 2) AS {name}" for name in _NUMBERS)
    words = ", ".join(f"'{name}-' || (i * {7 + place} % 50) AS {name}" for place, name in enumerate(_WORDS))
    product = (
        "'product-' || lpad(CAST(CAST(floor(power(random(), 2) * 20000) AS BIGINT) AS VARCHAR), 7, '0') AS product"
    )
    views = f"{_id('session', 4000)}, {_id('event', 8000)}, {product}, random() * 300 AS seconds"
    orders = f"{_id('basket', 4000)}, {product}, random() * 80 AS price"
    devices = "['phone', 'tablet', 'desktop', 'television'][1 + (i // 512) % 4] AS device"
    channels = "['web', 'app', 'shop'][1 + (i // 512) % 3] AS channel, 'code-' || (i // 512) % 20 AS discount_code"
    return [
        f"CREATE TABLE customers AS SELECT {KEY_STRIDE} * i AS customer_id, {numbers}, {words} "  # noqa: S608
        f"FROM range({NUM_CUSTOMERS}) r(i)",
        f"CREATE TABLE page_views AS SELECT {views}, {devices}, {_ROW}",
        f"CREATE TABLE order_lines AS SELECT {orders}, {channels}, {_ROW}",
    ]


def _id(name: str, pool: int) -> str:
    return f"CAST(CAST(md5('{name}' || CAST(floor(random() * {pool}) AS BIGINT)) AS UUID) AS VARCHAR) AS {name}_id"


_ROW = f"""i AS id, {KEY_STRIDE} * (i % {NUM_CUSTOMERS}) AS customer_id,
    make_timestamp_ns({START_NS} + CAST(floor(random() * {NUM_DAYS} * 86400) AS BIGINT) * 1000000000) AS happened_at
    FROM range({NUM_CUSTOMERS * ROWS_EACH}) r(i)"""
