"""Every kind of dirt is found, placed and graded; clean tables have no findings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import UserError
from model.graph import write_graph
from model.tables.check import Finding, check_database, check_folder
from model.tables.database import GRAPH_FILE, load_graph, open_database
from tests.model.little_tables import day, day_ns, write_tables

NUMBER = range(60)


def tables(**changes: Any) -> dict[str, dict[str, list[Any]]]:
    """Clean tables; `table__column=values` changes a column."""
    made: dict[str, dict[str, list[Any]]] = {
        "items": {"item_id": list(range(30)), "price": [n / 7 for n in range(30)]},
        "orders": {
            "order_id": list(NUMBER),
            "item_id": [n % 30 for n in NUMBER],
            "placed": [day(n) for n in NUMBER],
            "paid": [float((7 * n) % 31) for n in NUMBER],
            "note": [f"note {n % 3}" for n in NUMBER],
        },
    }
    for place, values in changes.items():
        table, column = place.split("__")
        made[table][column] = values
    return made


def findings(folder: Path, **changes: Any) -> list[Finding]:
    """Findings of changed tables under the graph of the clean ones."""
    write_tables(folder, **tables())
    write_graph(load_graph(folder), folder / GRAPH_FILE)
    write_tables(folder, **tables(**changes))
    return list(check_folder(folder, now_ns=day_ns(100)))


def test_clean_tables_have_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "level", "place", "message"),
    [
        (
            {"items__item_id": [0, 0, *range(2, 30)]},
            "error",
            "items.item_id",
            "1 rows repeat a primary key (for example 0)",
        ),
        ({"items__item_id": [None, *range(1, 30)]}, "error", "items.item_id", "1 rows have no primary key"),
        (
            {"orders__item_id": [99, *[0] * 59]},
            "warning",
            "orders.item_id",
            "1 of 60 rows name a `items` that does not",
        ),
        ({"orders__item_id": [None, *[0] * 59]}, "info", "orders.item_id", "1 of 60 rows have no `items`"),
        ({"orders__placed": [day(n + 42) for n in NUMBER]}, "warning", "orders.placed", "1 rows lie in the future"),
        ({"orders__placed": [None, *[day(1)] * 59]}, "warning", "orders.placed", "1 rows have no time"),
        ({"orders__note": [None] * 60}, "warning", "orders.note", "no row has a value"),
    ],
)
def test_dirt_is_found(tmp_path: Path, changes: dict[str, Any], level: str, place: str, message: str) -> None:
    found = findings(tmp_path, **changes)
    hits = [f for f in found if (f.level, f.place) == (level, place)]
    assert [f.message[: len(message)] for f in hits] == [message]
    assert [f for f in found if f.level == "error"] == [f for f in hits if f.level == "error"]


def test_an_empty_table_is_a_warning(tmp_path: Path) -> None:
    write_tables(tmp_path, **tables())
    write_graph(load_graph(tmp_path), tmp_path / GRAPH_FILE)
    (tmp_path / "items.parquet").unlink()
    (tmp_path / "items.csv").write_text("item_id,price\n")
    found = check_folder(tmp_path, now_ns=day_ns(100))
    assert [(f.level, f.place) for f in found] == [("warning", "items"), ("warning", "orders.item_id")]


def test_missing_columns_come_first_and_the_rest_is_still_checked(tmp_path: Path) -> None:
    write_tables(tmp_path, **tables())
    write_graph(load_graph(tmp_path), tmp_path / GRAPH_FILE)
    dirty = tables(orders__note=[None] * 60)
    dirty["items"]["itemid"] = dirty["items"].pop("item_id")
    write_tables(tmp_path, **dirty)
    found = check_folder(tmp_path, now_ns=day_ns(100))
    assert [(f.level, f.place) for f in found] == [("error", "items.item_id"), ("warning", "orders.note")]
    assert "did you mean `itemid`?" in found[0].hint


def test_a_link_between_types_is_an_error(tmp_path: Path) -> None:
    write_tables(tmp_path, **tables())
    graph = load_graph(tmp_path)
    items, orders = graph.tables
    retyped = orders.columns[1].model_copy(update={"storage_type": "VARCHAR"})
    orders = orders.model_copy(update={"columns": (orders.columns[0], retyped, *orders.columns[2:])})
    with open_database(tmp_path, graph.model_copy(update={"tables": (items, orders)})) as database:
        found = check_database(database, now_ns=day_ns(100))
    assert [(f.level, f.place, f.message) for f in found] == [
        ("error", "orders.item_id", "VARCHAR cannot hold keys of `items.item_id` (BIGINT)")
    ]


@pytest.mark.parametrize(
    ("words", "aggregate"),
    [
        ("the median of `orders.paid`", np.median),
        ("the mean of `orders.paid`", np.mean),
        ("the sum of `orders.paid`", np.sum),
    ],
)
def test_a_column_computed_from_all_time_is_suspicious(tmp_path: Path, words: str, aggregate: Any) -> None:
    paid = np.array([(7 * n) % 31 + n / 100 for n in range(120)])
    item = np.arange(120) % 30
    price = [float(aggregate(paid[item == n])) for n in range(30)]
    changes = {"orders__paid": paid.tolist(), "orders__item_id": item.tolist(), "items__price": price}
    changes |= {"orders__order_id": list(range(120)), "orders__placed": [day(n / 2) for n in range(120)]}
    changes |= {"orders__note": ["note"] * 120}
    found = findings(tmp_path, **changes)
    assert [(f.level, f.place) for f in found] == [("warning", "items.price")]
    assert f"may look into the future: in 100% of rows it equals {words}" in found[0].message


def test_a_broken_file_cannot_be_checked(tmp_path: Path) -> None:
    write_tables(tmp_path, **tables())
    (tmp_path / "orders.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"cannot read `.*orders\.parquet`"):
        check_folder(tmp_path)


def test_a_key_that_repeats_is_named_even_when_no_graph_names_it(tmp_path: Path) -> None:
    numbers = [*range(100), 7, 8]
    write_tables(
        tmp_path,
        customers={"customer_id": numbers, "age": [20.5 + n for n in numbers]},
        orders={"order_id": [1, 2, 3], "customer_id": [1, 2, 3], "at": [day(0), day(1), day(2)]},
    )
    (finding,) = [f for f in check_folder(tmp_path) if f.place == "customers.customer_id"]
    assert finding.level == "warning"
    assert "2 rows repeat a value and 0 have none" in finding.message
