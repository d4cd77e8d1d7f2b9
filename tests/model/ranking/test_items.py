from pathlib import Path

import numpy as np
import pytest

from model.errors import UserError
from model.query import bind_query, parse_query
from model.ranking.items import NUM_OWN, NUM_POPULARITY, WINDOWS, Items, ranked
from model.store.store import build_store, open_store
from model.tables.database import open_database
from tests.model.little_tables import day_ns
from tests.model.ranking.habits import NUM_ITEMS, NUM_USERS, Habits, make_habits, write_habits


@pytest.fixture(scope="module")
def habits(tmp_path_factory: pytest.TempPathFactory) -> Habits:
    return make_habits(tmp_path_factory.mktemp("habits"))


def orders(habits: Habits) -> list[tuple[int, int, int]]:
    """(user row, item row, time) of every order, the slow way."""
    store, what = habits.store, habits.what
    columns = (store.parent_rows(what.to_entity), store.parent_rows(what.to_item), store.row_times("orders"))
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_the_query_says_what_is_ranked_for_whom(habits: Habits) -> None:
    what = habits.what
    assert (what.entity_table, what.item_table, what.top) == ("users", "items", 5)
    other = bind_query(parse_query("PREDICT COUNT(orders.*, 0, 10) FOR EACH users.user_id"), habits.store.graph)
    with pytest.raises(UserError, match="needs a list of links"):
        ranked(other, habits.store)


def test_popularity_counts_windows_up_to_the_cutoff(habits: Habits) -> None:
    cutoff = day_ns(61)
    found = Items(habits.store, habits.what).popularity(cutoff)
    assert found.shape == (NUM_ITEMS, NUM_POPULARITY)
    for column, share in enumerate((*WINDOWS, np.inf)):
        since = cutoff - share * habits.what.horizon_ns
        counts = np.zeros(NUM_ITEMS)
        for _, item, time in orders(habits):
            counts[item] += since < time <= cutoff
        np.testing.assert_allclose(found[:, column], np.log1p(counts), rtol=1e-6)


def test_own_items_are_those_before_the_cutoff(habits: Habits) -> None:
    cutoff, rows = day_ns(61), np.array([3, 70, 3, 0])
    own = Items(habits.store, habits.what).own(rows, cutoff)
    assert own.features_BHQ.shape == (4, own.items_BH.shape[1], NUM_OWN)
    for place, row in enumerate(rows):
        bought = [item for user, item, time in orders(habits) if user == row and time <= cutoff]
        found = own.items_BH[place][own.items_BH[place] >= 0]
        assert sorted(found.tolist()) == sorted(set(bought))
        counts = np.expm1(own.features_BHQ[place, : len(found), len(WINDOWS)])
        np.testing.assert_allclose(counts, [bought.count(item) for item in found], rtol=1e-5)
    np.testing.assert_allclose(own.weights_BHW[:, :, -1].sum(axis=1), 1, rtol=1e-5)


def test_whoever_bought_nothing_has_no_own_items(habits: Habits) -> None:
    own = Items(habits.store, habits.what).own(np.array([0, 1]), day_ns(-5))
    assert own.items_BH.shape == (2, 0)
    none = Items(habits.store, habits.what).own(np.zeros(0, np.int64), day_ns(50))
    assert none.items_BH.shape == (0, 0)


def test_a_row_after_the_cutoff_changes_nothing(habits: Habits, tmp_path: Path) -> None:
    cutoff = day_ns(61)
    with open_database(write_habits(tmp_path / "tables", 61.001)) as database:
        build_store(database, tmp_path / "graph")
    planted = Items(open_store(tmp_path / "graph"), habits.what)
    mine = Items(habits.store, habits.what)
    np.testing.assert_array_equal(planted.popularity(cutoff), mine.popularity(cutoff))
    rows = np.arange(NUM_USERS)
    np.testing.assert_array_equal(planted.own(rows, cutoff).features_BHQ, mine.own(rows, cutoff).features_BHQ)
    assert (planted.popularity(day_ns(61.002)) != mine.popularity(day_ns(61.002))).any()
