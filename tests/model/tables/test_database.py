"""Tables open from every kind of source, with the graph's columns and times in UTC; what is wrong is named."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from model.errors import UserError
from model.graph import Column, Graph, SemanticType, Table, write_graph
from model.tables.database import GRAPH_FILE, load_graph, open_database, save_graph
from model.tables.sql_text import quote
from tests.model.little_tables import day, day_ns, write_tables

CUSTOMERS: dict[str, list[Any]] = {"customer_id": [1, 2, 3], "country": ["FR", "FR", "DE"]}
ORDERS: dict[str, list[Any]] = {
    "order_id": [10, 11, 12],
    "customer_id": [1, 1, 3],
    "ordered": [day(0), day(1), day(2.5)],
    "price": [1, 2, 3.5],
}


def test_a_folder_opens_with_an_inferred_graph(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS, orders=ORDERS)
    with open_database(tmp_path) as database:
        assert database.num_rows("orders") == 3
        assert database.time_range() == (day_ns(0), day_ns(2.5))
        assert [str(link) for link in database.graph.links] == ["orders.customer_id -> customers"]


def test_a_graph_file_decides_what_is_shown(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS, orders=ORDERS)
    graph = load_graph(tmp_path)
    customers = graph.table("customers")
    narrow = customers.model_copy(update={"columns": customers.columns[:1]})
    write_graph(Graph(tables=(narrow,)), tmp_path / GRAPH_FILE)
    with open_database(tmp_path) as database:
        assert database.rows("SELECT * FROM customers") == [(1,), (2,), (3,)]
        assert database.rows("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'main'") == [(1,)]


def test_csv_parts_and_duckdb_files_are_sources_too(tmp_path: Path) -> None:
    folder = tmp_path / "a[b]*c"
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "_SUCCESS").touch()
    (folder / "orders" / "0.csv").write_text("order_id,placed\n1,2024-01-01\n")
    (folder / "orders" / "1.csv").write_text("order_id,placed\n2,2024-01-02 12:00:00\n")
    with open_database(folder) as database:
        assert database.num_rows("orders") == 2
        assert database.time_range() == (day_ns(0), day_ns(1.5))
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS order_id, DATE '2024-01-02' AS placed")
    with open_database(tmp_path / "shop.duckdb") as database:
        assert database.time_range() == (day_ns(1), day_ns(1))


def test_times_are_utc_whatever_their_storage(tmp_path: Path) -> None:
    zoned = pd.Timestamp("2024-01-01 05:00", tz="Asia/Tokyo")
    write_tables(tmp_path, events={"event_id": [1], "seen": [zoned], "noted": ["2023-12-31T20:00:00Z"]})
    with open_database(tmp_path) as database:
        assert database.rows("SELECT epoch_ns(seen), epoch_ns(noted), typeof(noted) FROM events") == [
            (day_ns(-1 / 6), day_ns(-1 / 6), "TIMESTAMP")
        ]


def test_odd_names_are_quoted(tmp_path: Path) -> None:
    odd_table, odd_column = 'or"der; DROP', 'a "b"'
    columns: dict[str, list[Any]] = {"select": [1, 2], odd_column: ["x", "y"]}
    write_tables(tmp_path, **{odd_table: columns})
    with open_database(tmp_path) as database:
        assert database.num_rows(odd_table) == 2
        assert database.rows(f"SELECT {quote(odd_column)} FROM {quote(odd_table)}") == [("x",), ("y",)]


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS)
    whole = (tmp_path / "customers.parquet").read_bytes()
    (tmp_path / "customers.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cannot read `.*customers\.parquet`"):
        open_database(tmp_path)


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS)
    column = Column(name="contry", semantic_type=SemanticType.CATEGORICAL, storage_type="VARCHAR")
    graph = Graph(tables=(Table(name="customers", columns=(column,)),))
    with pytest.raises(UserError, match=r"no column `customers\.contry`[\s\S]*did you mean `country`"):
        open_database(tmp_path, graph)


def test_a_stated_type_that_the_values_do_not_have_is_refused(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS)
    for storage_type in ("BIGINT", "BIGINT); DROP TABLE x; --"):
        column = Column(name="country", semantic_type=SemanticType.NUMERICAL, storage_type=storage_type)
        graph = Graph(tables=(Table(name="customers", columns=(column,)),))
        with pytest.raises(UserError, match=r"customers\.country.*\(got "):
            open_database(tmp_path, graph)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_tables_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no such folder|no tables in"):
        load_graph(tmp_path / name)


def test_a_database_without_times_says_so(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS)
    with open_database(tmp_path) as database, pytest.raises(UserError, match="has a time"):
        database.time_range()


def test_a_saved_graph_is_what_is_loaded_and_is_never_overwritten(tmp_path: Path) -> None:
    write_tables(tmp_path, customers=CUSTOMERS, orders=ORDERS)
    graph = load_graph(tmp_path)
    path = save_graph(tmp_path, graph)
    assert load_graph(tmp_path) == graph
    path.write_text(path.read_text().replace("numerical", "ignored"))
    assert load_graph(tmp_path).table("orders").column("price").semantic_type is SemanticType.IGNORED
    with pytest.raises(UserError, match="is there already"):
        save_graph(tmp_path, graph)


def test_a_damaged_page_is_a_users_error(tmp_path: Path) -> None:
    """The footer is whole, so the file opens; its values cannot be read."""
    write_tables(tmp_path, orders={"order_id": list(range(5_000)), "note": [f"order {n}" for n in range(5_000)]})
    path = tmp_path / "orders.parquet"
    content = bytearray(path.read_bytes())
    content[200:3_000] = bytes(2_800)
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"cannot read[\s\S]*is the file complete"):
        load_graph(tmp_path)
