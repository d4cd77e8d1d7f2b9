"""Rows without a time of their own are seen from the time of their parents on, by the store and the baseline alike."""

from pathlib import Path

import numpy as np
import pytest

from model.baselines.aggregates import link_features
from model.labels.training_table import TrainingTable
from model.query import bind_query, parse_query
from model.store.store import ALWAYS, NEVER, GraphStore, build_store, open_store
from model.tables.check import check_folder
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(
        tmp_path_factory.mktemp("borrowed") / "tables",
        sales={"sale_id": [1, 2, 3, 4], "item_id": ["a", "a", "b", "a"], "at": [day(n) for n in (1, 2, 9, 12)]},
        items={"item_id": ["a", "b", "c"], "size": [1.0, 2.0, 3.0]},
        orders={"order_id": ["o1", "o2", "o3"], "ordered": [day(1), day(5), None]},
        shipments={"shipment_id": ["s1", "s2"], "sent": [day(3), day(4)]},
        lines={
            "order_id": ["o1", "o2", "o1", "o3", None, "o2"],
            "item_id": ["a", "a", "b", "a", "a", "b"],
            "shipment_id": ["s1", "s2", None, "s1", None, "s1"],
            "pieces": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
        },
    )


@pytest.fixture(scope="module")
def store(tables: Path) -> GraphStore:
    with open_database(tables) as database:
        build_store(database, tables.parent / "graph")
    return open_store(tables.parent / "graph")


def test_a_row_has_the_latest_time_of_its_parents(store: GraphStore) -> None:
    found = dict(zip(store.column("lines", "pieces").tolist(), store.row_times("lines").tolist(), strict=True))
    assert found == {1.5: day_ns(3), 2.5: day_ns(5), 3.5: day_ns(1), 4.5: NEVER, 5.5: ALWAYS, 6.5: day_ns(5)}
    assert (np.diff(store.row_times("lines").astype(object)) >= 0).all()
    assert (store.row_times("items") == ALWAYS).all()


def test_the_baseline_counts_none_before_its_parents(tables: Path) -> None:
    table = TrainingTable(
        entity_table="items",
        entity=np.array(["a", "b"] * 3, dtype=object),
        cutoff_ns=np.repeat([day_ns(0), day_ns(2), day_ns(6)], 2),
        label=np.zeros(6, np.float32),
        split=np.array(["train"] * 6),
    )
    with open_database(tables) as database:
        bound = bind_query(parse_query("PREDICT COUNT(sales.*, 0, 2, days) = 0 FOR EACH items.item_id"), database.graph)
        features = link_features(database, table, bound)
    counts = features.values_RF[:, features.names.index("lines.item_id: count, ever")]
    assert counts.tolist() == [1, 0, 1, 1, 3, 2]


def test_the_check_tells_of_it(tables: Path) -> None:
    (told,) = [finding for finding in check_folder(tables) if finding.place == "lines" and finding.level == "info"]
    assert "from the time of its `orders` and `shipments` on" in told.message
