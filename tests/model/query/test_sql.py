"""The planned SQL and the slow interpreter agree on random queries over random little databases."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from model.query import bind_query, parse_query
from model.query.sql import entity_sql, label_sql
from tests.model.query.agree import check_database, check_query, rows, to_ns
from tests.model.query.random_database import GRAPH, START, Tables, opened, random_tables

QUERIES_A_DATABASE = 50
NO_ROWS: Tables = {"people": [], "shops": [], "visits": [], "gifts": [], "badges": []}


@settings(max_examples=45, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_sql_agrees_with_the_interpreter(seed: int) -> None:
    check_database(seed, QUERIES_A_DATABASE)


def test_random_queries_reach_every_task() -> None:
    counts = sum((check_database(seed, QUERIES_A_DATABASE) for seed in range(6)), Counter[str]())
    assert min(counts[task] for task in ("binary", "regression", "multiclass", "multilabel", "link", "forecast")) > 0
    assert counts["empty"] < counts.total() * 2 / 3


def answers(tables: Tables, text: str, *cutoffs: datetime) -> list[tuple[Any, ...]]:
    """Rows of the planned SQL, once the interpreter has given the same."""
    query = parse_query(text)
    bound = bind_query(query, GRAPH)
    with opened(tables) as database:
        check_query(database, tables, query, bound, sorted(cutoffs))
        return rows(database, label_sql(bound, GRAPH, [to_ns(cutoff) for cutoff in cutoffs]))


def person(number: int, **values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(("score", "town", "grade", "member", "home_id"))
    return {"person_id": number, "joined": START, **empty} | values


def visit(number: int, at_time: datetime, **values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(("spent", "items", "note", "stars", "online", "due"))
    return {"visit_id": number, "person_id": 0, "shop_id": "a", "at_time": at_time, **empty} | values


@pytest.mark.parametrize(
    ("second", "past", "label"), [(-1, 1, 0), (0, 1, 0), (1, 0, 1), (86_400, 0, 1), (86_401, 0, 0)]
)
def test_a_row_at_the_cut_off_is_past_and_one_at_the_end_is_label(second: int, past: int, label: int) -> None:
    cutoff = START + timedelta(days=3)
    tables = {**NO_ROWS, "people": [person(0)], "visits": [visit(1, cutoff + timedelta(seconds=second))]}
    text = "PREDICT COUNT(visits.*, 0, 1, days) FOR EACH people.person_id"
    assert answers(tables, text, cutoff) == [(0, to_ns(cutoff), label)]
    assert len(answers(tables, text + " WHERE EXISTS(visits.*, -1, 0, days)", cutoff)) == past


@pytest.mark.parametrize(
    ("function", "label"),
    [
        ("COUNT(visits.*", [(0, 0.0)]),
        ("SUM(visits.spent", [(0, 0.0)]),
        ("COUNT_DISTINCT(visits.note", [(0, 0.0)]),
        ("AVG(visits.spent", []),
        ("MIN(visits.spent", []),
        ("MAX(visits.spent", []),
        ("FIRST(visits.note", []),
        ("LAST(visits.note", []),
        ("LIST_DISTINCT(visits.note", []),
        ("NOT EXISTS(visits.*", [(0, 1)]),
    ],
)
def test_empty_windows(function: str, label: list[tuple[int, float]]) -> None:
    tables = {**NO_ROWS, "people": [person(0)], "visits": [visit(1, START)]}
    found = answers(tables, f"PREDICT {function}, 0, 1, days) FOR EACH people.person_id", START)
    assert [(row[0], row[2]) for row in found] == label


def test_months_are_calendar_months() -> None:
    bound = bind_query(parse_query("PREDICT COUNT(visits.*, 0, 1, months) FOR EACH people.person_id"), GRAPH)
    assert bound.horizon_ns == timedelta(days=31) // timedelta(microseconds=1) * 1000
    visits = [visit(1, datetime(2024, 3, 29)), visit(2, datetime(2024, 3, 29, 0, 0, 1))]
    tables = {**NO_ROWS, "people": [person(0)], "visits": visits}
    found = answers(tables, bound.text, datetime(2024, 2, 29), datetime(2024, 2, 20), datetime(2024, 3, 1))
    assert [row[2] for row in found] == [0, 1, 2]


def test_a_forecast_is_a_row_of_windows() -> None:
    times = [(1, 2.0), (24, 3.0), (25, 5.0), (72, 7.0), (73, 11.0)]
    visits = [visit(n, START + timedelta(hours=hours), spent=spent) for n, (hours, spent) in enumerate(times)]
    tables = {**NO_ROWS, "people": [person(0), person(1)], "visits": visits}
    text = "PREDICT SUM(visits.spent, 0, 1, days) FORECAST 3 TIMEFRAMES FOR EACH people.person_id"
    assert [row[2] for row in answers(tables, text, START)] == [[5.0, 5.0, 7.0], [0.0, 0.0, 0.0]]
    known = answers(tables, text.replace("SUM", "AVG"), START)
    assert [(row[0], row[2]) for row in known] == [(0, [2.5, 5.0, 7.0])]


def test_a_ranking_lists_items_that_exist_once_and_in_order() -> None:
    shops = [{"shop_id": name, "kind": None, "area": None} for name in ("a", "b")]
    visits = [
        visit(n, START + timedelta(hours=1), shop_id=shop) for n, shop in enumerate(["b", "gone", "a", "b", None])
    ]
    tables = {**NO_ROWS, "people": [person(0)], "shops": shops, "visits": visits}
    text = "PREDICT LIST_DISTINCT(visits.shop_id, 0, 1, days) RANK TOP 5 FOR EACH people.person_id"
    assert [row[2] for row in answers(tables, text, START)] == [["a", "b"]]


@pytest.mark.parametrize(("function", "label"), [("FIRST", "early"), ("LAST", "z")])
def test_ties_in_time_go_by_key_and_a_missing_key_loses(function: str, label: str) -> None:
    soon = START + timedelta(hours=1)
    visits = [visit(5, soon, note="early"), visit(7, soon, note="z"), {**visit(0, soon, note="lost"), "visit_id": None}]
    tables = {**NO_ROWS, "people": [person(0)], "visits": visits}
    text = f"PREDICT {function}(visits.note, 0, 1, days) FOR EACH people.person_id"
    assert [row[2] for row in answers(tables, text, START)] == [label]


def test_a_time_with_a_zone_is_taken_as_utc() -> None:
    tables = {**NO_ROWS, "people": [person(0)], "visits": [visit(1, START, due=datetime(2024, 1, 1, 10))]}
    text = "PREDICT visits.due = '2024-01-01T12:00:00+02:00' FOR EACH visits.visit_id"
    with opened(tables) as database:
        found = rows(database, label_sql(bind_query(parse_query(text), GRAPH), GRAPH, [0]))
    assert [row[2] for row in found] == [1]


def test_a_statement_for_one_cut_off_and_for_many_say_the_same() -> None:
    tables = random_tables(Random(5))
    text = (
        "PREDICT SUM(visits.spent, 0, 5) > 1 FOR EACH people.person_id "
        "WHERE COUNT(visits.*, -9, 0) > 0 AND COUNT(gifts.* BY gifts.taker_id, -INF, 0) < 9"
    )
    bound = bind_query(parse_query(text), GRAPH)
    cutoffs = [to_ns(START + timedelta(days=days)) for days in (5, 7, 8)]
    with opened(tables) as database:
        together = rows(database, label_sql(bound, GRAPH, cutoffs))
        assert together == [row for one in cutoffs for row in rows(database, label_sql(bound, GRAPH, [one]))]
        assert {row[1] for row in together} == set(cutoffs)
        eligible = [row for one in cutoffs for row in rows(database, entity_sql(bound, GRAPH, one))]
    assert [row[:2] for row in together] == eligible
