"""Rankings without a model agree with a plain reckoning, and see nothing after the cut-off."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from model.baselines.rankings import Asked, asked, filled, popular, precision_of, repeated
from model.labels.table import Lists
from model.query import bind_query, parse_query
from model.query.bound import DAY_NS
from model.tables.database import Database, open_database
from tests.model.little_tables import day, day_ns, write_tables

QUERY = "PREDICT LIST_DISTINCT(orders.item WHERE orders.paid > 0, 0, 5, days) RANK TOP 3 FOR EACH users.user_id"
RNG = np.random.default_rng(4)
ORDERS = [
    (int(user), int(item), float(at), float(paid))
    for user, item, at, paid in zip(
        RNG.integers(6, size=300), RNG.integers(9, size=300), RNG.uniform(0, 60, 300), RNG.integers(-1, 4, 300),
        strict=True,
    )
]  # fmt: skip


def shop(folder: Path, orders: list[tuple[int, int, float, float]]) -> Database:
    user, item, at, paid = zip(*orders, strict=True)
    return open_database(
        write_tables(
            folder,
            users={"user_id": list(range(6)), "age": [20.5 + n for n in range(6)]},
            items={"item_id": [f"i{n}" for n in range(9)], "price": [0.5 + n for n in range(9)]},
            orders={
                "order_id": list(range(len(orders))),
                "user_id": list(user),
                "item": [f"i{n}" for n in item],
                "placed": [day(n) for n in at],
                "paid": list(paid),
            },
        )
    )


def ask(database: Database) -> Asked:
    return asked(database, bind_query(parse_query(QUERY), database.graph))


def past(upto: float, since: float = -1) -> list[tuple[int, int, float, float]]:
    return [order for order in ORDERS if since < order[2] <= upto and order[3] > 0]


@pytest.mark.parametrize("window", [None, 5])
def test_popular_is_what_sold_most(tmp_path: Path, window: int | None) -> None:
    with shop(tmp_path, ORDERS) as database:
        window_ns = None if window is None else window * DAY_NS
        found = popular(database, ask(database), np.array([day_ns(20), day_ns(40), day_ns(20)]), window_ns)
    for row, at in enumerate((20, 40, 20)):
        counts = Counter(order[1] for order in past(at, -1 if window is None else at - window))
        assert found[row].tolist() == sorted(counts, key=lambda item: (-counts[item], item))[:3]


@pytest.mark.parametrize("order", ["often", "lately"])
def test_repeated_is_the_entitys_own(tmp_path: Path, order: str) -> None:
    entity, at = np.array([0, 3, 5]), [10, 25, 50]
    with shop(tmp_path, ORDERS) as database:
        found = repeated(database, ask(database), entity, np.array([day_ns(n) for n in at]), order)
    for row, (user, now) in enumerate(zip(entity, at, strict=True)):
        own = [one for one in past(now) if one[0] == user]
        counts = Counter(one[1] for one in own)
        last = {item: max(one[2] for one in own if one[1] == item) for item in counts}
        ranks = [(counts[i], last[i], i) if order == "often" else (last[i], counts[i], i) for i in counts]
        expected = [item for *_, item in sorted(ranks, key=lambda one: (-one[0], -one[1], one[2]))][:3]
        assert [code for code in found[row].tolist() if code >= 0] == expected


def test_a_planted_row_matters_only_up_to_the_cut_off(tmp_path: Path) -> None:
    def found(name: str, seconds: int, times: int = 50) -> tuple[list[int], list[int]]:
        planted = [(0, 8, 30 + seconds / 86_400, 1.0)] * times
        with shop(tmp_path / name, [*ORDERS, *planted]) as database:
            now, user = np.array([day_ns(30)]), np.array([0])
            best = popular(database, ask(database), now, 5 * DAY_NS)
            return best[0].tolist(), repeated(database, ask(database), user, now, "often")[0].tolist()

    first, second = found("at", 0)
    assert first[0] == second[0] == 8
    assert found("after", 1) == found("never", 1, times=0) != (first, second)


def test_free_ranks_are_filled_without_repeats() -> None:
    own, others = np.array([[4, -1, -1], [1, 2, 3], [-1, -1, -1]]), np.array([[4, 5, 6], [7, 8, 9], [2, -1, -1]])
    assert filled(own, others).tolist() == [[4, 5, 6], [1, 2, 3], [2, -1, -1]]


def test_precision_by_hand(tmp_path: Path) -> None:
    items = np.array(["i0", "i1", "i2", "i4"], dtype=object)
    lists = Lists(values=items, offsets=np.array([0, 2, 3, 4]))
    ranked = np.array([[1, 5, 0], [6, 7, 2], [-1, -1, -1]])
    with shop(tmp_path, ORDERS) as database:
        found = precision_of(ask(database), ranked, lists, [0, 1, 2])
    assert found.tolist() == pytest.approx([(1 + 2 / 3) / 2, 1 / 3, 0])
