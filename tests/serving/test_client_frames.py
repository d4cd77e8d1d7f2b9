import pandas as pd
import pytest

from model.errors import UserError
from model.payload import request_tensors
from serving.client_frames import values_from_frames
from tests.serving.fake_repository import KEY, PATH, contract

ANCHOR = pd.Timestamp("2026-03-01")
ENTITIES = pd.DataFrame({"customer_id": [7, 9], "price": [0.5, None], "club": ["ACTIVE", None], "colour": ["a", "b"]})
ROWS = pd.DataFrame(
    {
        "customer_id": [9, 7, 9, 8],
        "t_dat": [pd.Timestamp("2026-02-03"), pd.Timestamp("2026-02-01"), pd.NaT, pd.Timestamp("2026-02-02")],
        "price": [3.0, 1.0, 2.0, None],
        "article": ["c", None, "b", "d"],
    }
)


def test_each_entity_gets_its_own_rows_and_missing_is_missing() -> None:
    first, second = values_from_frames(contract(), ENTITIES, {PATH: ROWS}, ANCHOR)
    assert first.anchor_time_ns == 1_772_323_200 * 10**9
    assert first.facts == {KEY: 7, "customers.price": 0.5, "customers.club": "ACTIVE"}
    assert second.facts == {KEY: 9, "customers.price": None, "customers.club": None}
    day_ns = 86_400 * 10**9
    assert first.interactions[PATH] == {"t_dat": [ANCHOR.value - 28 * day_ns], "price": [1.0], "article": [None]}
    assert second.interactions[PATH]["t_dat"] == [ANCHOR.value - 26 * day_ns, None]
    request_tensors(contract(), [first, second])


def test_an_entity_without_rows_has_no_history() -> None:
    (only,) = values_from_frames(contract(), ENTITIES[:1], {PATH: ROWS[ROWS["customer_id"] == 8]}, ANCHOR)
    assert only.interactions == {}


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="no column `customer_id`"):
        values_from_frames(contract(), ENTITIES.drop(columns="customer_id"), {}, ANCHOR)
    with pytest.raises(UserError, match="no column `article`"):
        values_from_frames(contract(), ENTITIES, {PATH: ROWS.drop(columns="article")}, ANCHOR)
    with pytest.raises(UserError, match=r"(?s)unknown path `a->b\.c`"):
        values_from_frames(contract(), ENTITIES, {"a->b.c": ROWS}, ANCHOR)
