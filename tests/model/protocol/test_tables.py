"""Tables of a protocol: rows that it keeps, columns that it hides, and a snapshot that holds nothing later."""

from pathlib import Path

import pytest

from model.errors import UserError
from model.graph import SemanticType
from model.protocol.protocol import FolderTables
from model.protocol.tables import freeze_tables, prepare_tables
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables
from tests.model.protocol.samples import protocol


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tables(
        tmp_path / "data" / "shop",
        users={"user_id": [0, 1, 2], "joined": [day(0), day(5), day(20)], "spent": [1.5, 2.5, 3.5]},
        orders={
            "order_id": [0, 1, 2, 3],
            "user_id": [0, 1, None, 2],
            "placed": [day(1), day(10), day(11), day(30)],
            "paid": [1.0, -1.0, 2.0, 3.0],
        },
    )


def kept(folder: Path, out: Path, condition: str, ignore: tuple[str, ...] = ()) -> Path:
    tables = FolderTables(folder="shop", keep={"orders": condition}, ignore=ignore)
    return prepare_tables(protocol(tables=tables, models=["deep"], compare=[]), folder, out).path


@pytest.mark.parametrize(
    ("condition", "orders"),
    [
        ("orders.paid > 0", [0, 2, 3]),
        ("orders.paid > 0 AND orders.user_id IS NOT NULL", [0, 3]),
        ("NOT orders.paid > 0 OR orders.placed > '2024-01-20'", [1, 3]),
    ],
)
def test_conditions_keep_rows(folder: Path, tmp_path: Path, condition: str, orders: list[int]) -> None:
    out = kept(folder, tmp_path / "out", condition)
    with open_database(out) as database:
        assert [row[0] for row in database.rows("SELECT order_id FROM orders ORDER BY 1")] == orders
        assert database.num_rows("users") == 3


def test_the_folder_is_found_by_name_or_as_it_is(folder: Path, tmp_path: Path) -> None:
    above = kept(folder.parent, tmp_path / "above", "orders.paid > 0")
    itself = kept(folder, tmp_path / "itself", "orders.paid > 0")
    assert (above / "orders.parquet").read_bytes() == (itself / "orders.parquet").read_bytes()
    with pytest.raises(UserError, match="no tables `shop`"):
        kept(tmp_path, tmp_path / "nowhere", "orders.paid > 0")


def test_an_ignored_column_is_no_feature(folder: Path, tmp_path: Path) -> None:
    out = kept(folder, tmp_path / "out", "orders.paid > 0", ("users.spent",))
    with open_database(out) as database:
        assert database.graph.table("users").column("spent").semantic_type is SemanticType.IGNORED
        assert "spent" not in {column.name for column in database.graph.feature_columns("users")}


@pytest.mark.parametrize(
    ("condition", "ignore", "told"),
    [
        ("orders.payed > 0", (), "no column `payed` in `orders`"),
        ("users.spent > 0", (), "speaks of something else"),
        ("orders.paid >", (), "paid >"),
        ("orders.paid > 0", ("users.spend",), "`ignore` names `users.spend`"),
    ],
)
def test_a_mistake_is_named(folder: Path, tmp_path: Path, condition: str, ignore: tuple[str, ...], told: str) -> None:
    with pytest.raises(UserError, match=told):
        kept(folder, tmp_path / "out", condition, ignore)


def test_a_snapshot_holds_no_later_row_but_every_entity(folder: Path, tmp_path: Path) -> None:
    with open_database(folder) as database:
        path = freeze_tables(database, day_ns(10), "users", tmp_path / "frozen").path
        other = freeze_tables(database, day_ns(10), "orders", tmp_path / "other").path
    with open_database(path) as frozen:
        assert [row[0] for row in frozen.rows("SELECT order_id FROM orders ORDER BY 1")] == [0, 1]
        assert frozen.num_rows("users") == 3
        assert frozen.graph == database.graph
    with open_database(other) as frozen:
        assert (frozen.num_rows("orders"), frozen.num_rows("users")) == (4, 2)
