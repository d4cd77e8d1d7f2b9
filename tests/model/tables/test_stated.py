"""Keys that files state are believed; those that contradict themselves are guessed as before."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.errors import UserError
from model.graph import Graph
from model.tables.database import load_graph, open_database
from tests.model.little_tables import day, write_tables
from tests.model.racing import write_racing


def write(folder: Path, **stated: object) -> Path:
    """Users, and visits whose columns have names that say nothing."""
    visits = pd.DataFrame({"who": [10, 12, 11], "made": [day(1), day(2), day(3)], "known": [day(4)] * 3})
    write_tables(folder, users={"code": [10, 11, 12], "since": [day(0)] * 3})
    table = pa.Table.from_pandas(visits, preserve_index=False)
    metadata = {name: json.dumps(value) for name, value in stated.items()}
    pq.write_table(table.replace_schema_metadata(metadata), folder / "visits.parquet")
    return folder


def links(graph: Graph) -> list[str]:
    return [str(link) for link in graph.links]


def test_what_a_file_states_is_not_guessed(tmp_path: Path) -> None:
    stated = {"pkey_col": None, "time_col": "known", "fkey_col_to_pkey_table": {"who": "users"}}
    graph = load_graph(write(tmp_path, **stated))
    assert links(graph) == ["visits.who -> users"]
    assert (graph.table("visits").primary_key, graph.table("visits").time_column) == (None, "known")
    assert graph.table("users").time_column == "since", "the other table states nothing"


@pytest.mark.parametrize(
    "stated",
    [
        {"pkey_col": "gone", "time_col": "known", "fkey_col_to_pkey_table": {}},
        {"pkey_col": None, "time_col": "known", "fkey_col_to_pkey_table": ["who"]},
        {"pkey_col": None, "time_col": "known"},
    ],
)
def test_half_a_statement_is_none(tmp_path: Path, stated: dict[str, object]) -> None:
    assert load_graph(write(tmp_path, **stated)).table("visits").time_column == "made"


def test_a_parent_that_is_not_there_is_no_link(tmp_path: Path) -> None:
    stated = {"pkey_col": None, "time_col": None, "fkey_col_to_pkey_table": {"who": "strangers"}}
    graph = load_graph(write(tmp_path, **stated))
    assert links(graph) == []
    assert graph.table("visits").time_column is None


def test_guesses_and_statements_agree_on_nine_tables(tmp_path: Path) -> None:
    stated = load_graph(write_racing(tmp_path / "parquet"))
    guessed = load_graph(write_racing(tmp_path / "csv", "csv"))
    assert sorted(links(stated)) == sorted(links(guessed))
    for table in stated.tables:
        other = guessed.table(table.name)
        assert (table.primary_key, table.time_column) == (other.primary_key, other.time_column), table.name


@pytest.mark.parametrize("gap", [None, np.nan])
def test_a_foreign_key_with_gaps_may_be_stored_as_a_fraction(tmp_path: Path, gap: float | None) -> None:
    write_tables(
        tmp_path,
        users={"user_id": list(range(30)), "age": [1.5] * 30},
        orders={"order_id": list(range(60)), "placed": [day(n) for n in range(60)]},
    )
    orders = pq.read_table(tmp_path / "orders.parquet")
    held = pa.array([gap, *(float(n % 30) for n in range(1, 60))], pa.float64())
    pq.write_table(orders.append_column("user_id", held), tmp_path / "orders.parquet")
    with open_database(tmp_path) as database:
        assert links(database.graph) == ["orders.user_id -> users"]
        assert database.rows("SELECT typeof(user_id), user_id FROM orders ORDER BY order_id LIMIT 2") == [
            ("BIGINT", None),
            ("BIGINT", 1),
        ]


def test_fractions_are_no_keys(tmp_path: Path) -> None:
    halves = [n / 2 for n in range(60)]
    write_tables(
        tmp_path,
        users={"user_id": list(range(30)), "age": [1.5] * 30},
        orders={"order_id": list(range(60)), "placed": [day(n) for n in range(60)], "user_id": halves},
    )
    graph = load_graph(tmp_path)
    assert links(graph) == []
    whole = graph.table("orders").column("user_id").model_copy(update={"storage_type": "BIGINT"})
    columns = tuple(whole if one.name == "user_id" else one for one in graph.table("orders").columns)
    orders = graph.table("orders").model_copy(update={"columns": columns})
    with pytest.raises(UserError, match=r"`orders.user_id` is DOUBLE; 30 values cannot be read as BIGINT"):
        open_database(tmp_path, graph.model_copy(update={"tables": (graph.table("users"), orders)}))
