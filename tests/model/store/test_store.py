from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from model.errors import UserError
from model.graph import Column, Graph, SemanticType, Table
from model.served.missing import MISSING_INT64
from model.store import writer as store_writer
from model.store.store import ALWAYS, NEVER, GraphStore, build_store, open_store
from tests.model.small_shop import ARTICLES, CUSTOMERS, TO_ARTICLE, TO_CUSTOMER, TRANSACTIONS, SmallTables, small_tables


@pytest.fixture(scope="module")
def tables() -> Iterator[SmallTables]:
    tables = small_tables()
    yield tables
    tables.connection.close()


@pytest.fixture(scope="module")
def store(tables: SmallTables, tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    path = tmp_path_factory.mktemp("store") / "graph"
    build_store(tables, path)
    return open_store(path)


def test_rows_are_sorted_by_time_then_key_and_unknown_times_come_last(store: GraphStore, tables: SmallTables) -> None:
    expected = tables.connection.sql("SELECT id, epoch_ns(t) FROM transactions ORDER BY t NULLS LAST, id").fetchall()
    assert store.keys("transactions").tolist() == [key for key, _ in expected]
    assert store.row_times("transactions").tolist() == [NEVER if time is None else time for _, time in expected]
    assert (store.row_times("customers") == ALWAYS).all()


def test_values_follow_their_semantic_type(store: GraphStore, tables: SmallTables) -> None:
    rows = tables.connection.sql(
        "SELECT price, channel, epoch_ns(joined), club, member FROM transactions "
        "LEFT JOIN customers ON customers.id = customer ORDER BY t NULLS LAST, transactions.id"
    ).fetchall()
    price = [np.nan if row[0] is None or np.isinf(row[0]) else row[0] for row in rows]
    np.testing.assert_array_equal(store.column("transactions", "price"), np.array(price, dtype=np.float32))
    channels = store.categories("transactions", "channel")
    assert [channels[code] for code in store.column("transactions", "channel")] == [str(row[1]) for row in rows]
    parents = store.parent_rows(TO_CUSTOMER)
    joined = np.where(parents >= 0, store.column("customers", "joined")[parents], MISSING_INT64)
    assert joined.tolist() == [MISSING_INT64 if row[2] is None else row[2] for row in rows]
    clubs = (*store.categories("customers", "club"), None)
    club = np.where(parents >= 0, store.column("customers", "club")[parents], -1)
    assert [clubs[code] for code in club] == [row[3] for row in rows]
    assert store.categories("customers", "member") == ("0", "1")


def test_children_are_all_rows_of_a_parent_in_order_of_time(store: GraphStore, tables: SmallTables) -> None:
    for link, key in ((TO_CUSTOMER, "id"), (TO_ARTICLE, "code")):
        adjacency = store.children(link)
        own = store.keys("transactions")
        for row, parent in enumerate(store.keys(link.parent_table).tolist()):
            parent = parent.decode() if isinstance(parent, bytes) else parent
            expected = tables.connection.execute(
                f"SELECT transactions.id FROM transactions JOIN {link.parent_table} p ON p.{key} = {link.child_column} "
                f"WHERE p.{key} = ? ORDER BY t NULLS LAST, transactions.id",
                [parent],
            ).fetchall()
            part = slice(adjacency.indptr[row], adjacency.indptr[row + 1])
            assert own[adjacency.child_rows[part]].tolist() == [key for (key,) in expected]
            times = store.row_times("transactions")[adjacency.child_rows[part]]
            assert adjacency.child_times[part].tolist() == times.tolist()


def test_null_and_dangling_links_have_no_parent(store: GraphStore, tables: SmallTables) -> None:
    dangling = tables.connection.sql(
        "SELECT count(*) FROM transactions LEFT JOIN articles ON code = article WHERE code IS NULL"
    ).fetchall()
    assert dangling[0][0] > 20
    assert (store.parent_rows(TO_ARTICLE) == -1).sum() == dangling[0][0]


def test_keys_find_their_rows(store: GraphStore) -> None:
    for table in ("customers", "articles", "transactions"):
        assert store.rows_of(table, store.keys(table)).tolist() == list(range(store.num_rows(table)))
    assert store.rows_of("customers", [1, 1007, 1008]).tolist()[::2] == [-1, -1]
    names = np.array(["ärt-3", "nobody", "ärt-33333"], dtype=object)
    assert store.rows_of("articles", names).tolist()[1:] == [-1, -1]
    assert store.keys("articles")[store.rows_of("articles", names)[0]].decode() == "ärt-3"
    assert store.rows_of("customers", []).tolist() == []
    with pytest.raises(UserError, match="keys of `customers` are whole numbers"):
        store.rows_of("customers", ["Ann"])


def test_visible_rows_include_the_bound(store: GraphStore) -> None:
    times = store.row_times("transactions")
    moment = int(times[100])
    assert store.num_visible("transactions", moment) == (times <= moment).sum()
    assert store.num_visible("transactions", moment - 1) == (times < moment).sum()
    assert store.num_visible("customers", 0) == store.num_rows("customers")
    assert store.last_time_ns == times[times < NEVER].max()


def test_batches_do_not_show(
    tables: SmallTables, store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "BATCH_ROWS", 7)
    assert build_store(tables, tmp_path / "graph").digest == store.artifact.digest


def test_only_the_most_frequent_categories_are_kept(
    tables: SmallTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "MAX_CATEGORIES", 2)
    build_store(tables, tmp_path / "graph")
    store = open_store(tmp_path / "graph")
    assert store.categories("transactions", "channel") == ("0", "1")
    assert (store.column("transactions", "channel") == -1).sum() == 300


def test_an_empty_table_and_a_table_without_a_key(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE "odd/.. name" ("a""b" DOUBLE, t TIMESTAMP)').fetchall()
        connection.execute("CREATE TABLE logs AS SELECT * FROM (VALUES (2.5, true), (1.5, NULL)) v(x, y)").fetchall()
        number = Column(name='a"b', semantic_type=SemanticType.NUMERICAL, storage_type="DOUBLE")
        time = Column(name="t", semantic_type=SemanticType.TIMESTAMP, storage_type="TIMESTAMP")
        odd = Table(name="odd/.. name", columns=(number, time), time_column="t")
        x = Column(name="x", semantic_type=SemanticType.NUMERICAL, storage_type="DOUBLE")
        y = Column(name="y", semantic_type=SemanticType.CATEGORICAL, storage_type="BOOLEAN")
        logs = Table(name="logs", columns=(x, y))
        build_store(SmallTables(connection=connection, graph=Graph(tables=(odd, logs))), tmp_path / "graph")
    store = open_store(tmp_path / "graph")
    assert store.num_rows(odd.name) == 0
    assert store.column(odd.name, 'a"b').shape == (0,)
    assert store.column("logs", "x").tolist() == [1.5, 2.5]
    assert store.keys("logs").tolist() == [0, 1]
    assert store.last_time_ns == ALWAYS


def test_links_to_an_empty_parent(tmp_path: Path) -> None:
    tables = small_tables()
    with tables.connection as connection:
        connection.execute("DELETE FROM articles").fetchall()
        build_store(
            replace(tables, graph=Graph(tables=(CUSTOMERS, ARTICLES, TRANSACTIONS), links=(TO_ARTICLE,))),
            tmp_path / "g",
        )
    store = open_store(tmp_path / "g")
    assert (store.parent_rows(TO_ARTICLE) == -1).all()
    assert store.children(TO_ARTICLE).indptr.tolist() == [0]


def test_progress_ends_at_its_total(tables: SmallTables, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    build_store(tables, tmp_path / "graph", lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1] > 0
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_there_must_be_a_store(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no graph artifact"):
        open_store(tmp_path)
