import numpy as np
import pytest

from model.payload import RequestValues
from model.store.history import history_links, link_path_name, recent_children, requests_from_store
from model.store.store import GraphStore
from tests.model.served_model import ServedModel, make_served_model
from tests.model.small_shop import TO_CUSTOMER, at_day, small_tables

PATH = "customers.id->transactions.customer"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return make_served_model(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def store(served: ServedModel) -> GraphStore:
    return served.store


def request(served: ServedModel, key: int, anchor_ns: int) -> RequestValues:
    (values,) = requests_from_store(served.store, served.contract, [key], np.array([anchor_ns]))
    return values


def test_histories_are_the_children_with_a_time(store: GraphStore) -> None:
    assert history_links(store, "customers") == (TO_CUSTOMER,)
    assert history_links(store, "transactions") == ()
    assert link_path_name(store, TO_CUSTOMER) == PATH


def test_a_request_holds_what_the_tables_hold(served: ServedModel) -> None:
    anchor_ns = at_day(70)
    tables = small_tables()
    with tables.connection as connection:
        rows = connection.execute(
            "SELECT epoch_ns(t), CAST(CASE WHEN isfinite(price) THEN price END AS FLOAT), channel, code "
            "FROM transactions LEFT JOIN articles ON article = code WHERE customer = 1014 AND epoch_ns(t) <= ? "
            "ORDER BY t DESC, id DESC LIMIT 32",
            [anchor_ns],
        ).fetchall()[::-1]
        facts = connection.execute(
            "SELECT id, age, epoch_ns(joined), club, CAST(member AS INTEGER) FROM customers WHERE id = 1014"
        ).fetchone()
    values = request(served, 1014, anchor_ns)
    names = ("id", "age", "joined", "club", "member")
    assert values.facts == dict(zip([f"customers.{name}" for name in names], facts or (), strict=True))
    history = values.interactions[PATH]
    assert len(rows) > 3
    assert list(zip(history["t"], history["price"], history["channel"], history["article"], strict=True)) == rows


def test_rows_arrive_an_hour_late_as_in_training(served: ServedModel, store: GraphStore) -> None:
    all_times = request(served, 1014, at_day(200)).interactions[PATH]["t"]
    time_ns = all_times[-1]
    assert isinstance(time_ns, int)
    late_ns = served.contract.interactions[0].ignored_ns
    assert late_ns == 3600 * 10**9
    assert request(served, 1014, time_ns + late_ns).interactions[PATH]["t"][-1] == time_ns
    earlier = request(served, 1014, time_ns + late_ns - 1).interactions[PATH]["t"]
    assert all(isinstance(one, int) and one < time_ns for one in earlier)


def test_a_stranger_has_a_key_and_nothing_else(served: ServedModel) -> None:
    values = request(served, 5, at_day(70))
    assert {name for name, value in values.facts.items() if value is not None} == {"customers.id"}
    assert all(len(column) == 0 for column in values.interactions[PATH].values())
    assert requests_from_store(served.store, served.contract, [], np.zeros(0, np.int64)) == []


def test_recent_children_keeps_the_last_of_each(store: GraphStore) -> None:
    rows = np.arange(-1, store.num_rows("customers"))
    for max_rows in (1, 3, 1000):
        children_R, owner_R = recent_children(store, TO_CUSTOMER, rows, np.full(len(rows), at_day(50)), max_rows)
        times_R = store.row_times("transactions")[children_R]
        parents = np.asarray(store.parent_rows(TO_CUSTOMER))
        for place, row in enumerate(rows.tolist()):
            mine = np.flatnonzero((parents == row) & (store.row_times("transactions") <= at_day(50)))
            assert children_R[owner_R == place].tolist() == ([] if row < 0 else mine[-max_rows:].tolist())
        assert (times_R <= at_day(50)).all()
