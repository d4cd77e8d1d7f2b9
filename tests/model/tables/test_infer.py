"""What the names and values of little tables suggest."""

from pathlib import Path

import pandas as pd
import pytest

from model.graph import SemanticType
from model.tables.database import load_graph
from tests.model.little_tables import day, write_tables


def test_keys_times_links_and_meanings(tmp_path: Path) -> None:
    number = range(120)
    write_tables(
        tmp_path,
        teams={"team_id": list(range(40)), "name": [f"The team of town {n}" for n in range(40)]},
        matches={
            "match_id": list(number),
            "birth_date": [day(-1)] * 120,
            "played": [day(n) for n in number],
            "team_id": [n % 40 for n in number],
            "opponent_id": [(n + 1) % 40 for n in number],
            "channel_id": [n % 2 for n in number],
            "goals": [n % 5 for n in number],
            "nothing": [None] * 120,
            "city": [f"city {n % 30}" for n in number],
            "final": [n > 100 for n in number],
            "vector": [[0.5, 1.0]] * 120,
        },
    )
    graph = load_graph(tmp_path)
    matches = graph.table("matches")
    assert (matches.primary_key, matches.time_column) == ("match_id", "played")
    assert [str(link) for link in graph.links] == ["matches.team_id -> teams", "matches.opponent_id -> teams"]
    assert {c.name: c.semantic_type.value for c in matches.columns} == {
        "match_id": "id",
        "birth_date": "timestamp",
        "played": "timestamp",
        "team_id": "id",
        "opponent_id": "id",
        "channel_id": "categorical",
        "goals": "numerical",
        "nothing": "ignored",
        "city": "categorical",
        "final": "categorical",
        "vector": "embedding",
    }
    assert graph.table("teams").column("name").semantic_type is SemanticType.TEXT


@pytest.mark.parametrize("column", ["customer_id", "customer", "buyer_customer_id", "customerId"])
def test_a_link_is_found_by_name(tmp_path: Path, column: str) -> None:
    write_tables(tmp_path, customers={"customer_id": [1, 2]}, orders={"id": [1, 2, 3], column: [1, 1, 2]})
    assert [str(link) for link in load_graph(tmp_path).links] == [f"orders.{column} -> customers"]


def test_small_numbers_and_other_types_are_no_links(tmp_path: Path) -> None:
    write_tables(
        tmp_path,
        customers={"customer_id": [1, 2, 3]},
        orders={"id": [1, 2, 3], "status_id": [1, 2, 1], "customer_id": ["a", "b", "a"]},
    )
    assert load_graph(tmp_path).links == ()


def test_a_repeated_or_null_column_is_no_key(tmp_path: Path) -> None:
    write_tables(tmp_path, a={"id": [1, 1]}, b={"id": [1, None]})
    graph = load_graph(tmp_path)
    assert [table.primary_key for table in graph.tables] == [None, None]


def test_an_empty_table_has_columns(tmp_path: Path) -> None:
    write_tables(tmp_path, a={"id": [], "x": []})
    assert [c.name for c in load_graph(tmp_path).table("a").columns] == ["id", "x"]


def test_the_key_of_another_table_is_a_link_however_unique(tmp_path: Path) -> None:
    write_tables(
        tmp_path,
        accounts={"account": ["A1", "A2"], "customer_id": [2, 1], "kind_id": [1, 2]},
        badges={"customer_id": [1, 2], "colour": ["red", "red"]},
        customers={"customer_id": [1, 2]},
        notes={"note": ["A note of some length", "Another one to read"], "customer_id": [1, 2]},
        transfers={"id": [1, 2], "from_account": ["A1", "A2"], "to_account": ["A2", "A1"]},
    )
    graph = load_graph(tmp_path)
    assert {table.name: table.primary_key for table in graph.tables} == {
        "accounts": "account",
        "badges": None,
        "customers": "customer_id",
        "notes": None,
        "transfers": "id",
    }
    assert [str(link) for link in graph.links] == [
        "accounts.customer_id -> customers",
        "badges.customer_id -> customers",
        "notes.customer_id -> customers",
        "transfers.from_account -> accounts",
        "transfers.to_account -> accounts",
    ]


def test_a_table_without_rows_is_linked_by_its_names(tmp_path: Path) -> None:
    write_tables(tmp_path, customers={"customer_id": ["a", "b"]})
    empty = pd.DataFrame({"return_id": pd.Series(dtype="int64"), "customer_id": pd.Series(dtype="str")})
    empty.to_parquet(tmp_path / "returns.parquet", index=False)
    graph = load_graph(tmp_path)
    assert [str(link) for link in graph.links] == ["returns.customer_id -> customers"]
    assert graph.table("returns").column("customer_id").semantic_type is SemanticType.ID
