"""Scans are shared where that reads few rows in vain."""

import pytest

from model.query import bind_query, parse_query
from model.query.share import hull, may_share
from model.query.sql import label_sql
from model.query.syntax import Aggregate, Span, Window, aggregates
from tests.model.query.random_database import GRAPH


def bound_aggregates(*texts: str) -> list[Aggregate]:
    query = f"PREDICT people.score FOR EACH people.person_id WHERE {' > 0 AND '.join(texts)} > 0"
    return list(aggregates(bind_query(parse_query(query), GRAPH).entity_filter))


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("COUNT(visits.*, -30, 0)", "SUM(visits.spent WHERE visits.items > 1, -30, 0)", True),
        ("COUNT(visits.*, -30, -20)", "COUNT(visits.*, -20, 0)", True),
        ("COUNT(visits.*, -30, -29)", "COUNT(visits.*, -1, 0)", False),
        ("COUNT(visits.*, -48, 0, hours)", "COUNT(visits.*, -2, 0, days)", True),
        ("COUNT(visits.*, -INF, -300)", "COUNT(visits.*, -1, 0)", True),
        ("COUNT(visits.*, -1, 0, months)", "COUNT(visits.*, -30, 0)", False),
        ("COUNT(visits.*, -1, 0, months)", "COUNT(visits.*, -2, 0, months)", True),
        ("COUNT(visits.*, -30, 0)", "LAST(visits.spent, -30, 0)", False),
        ("COUNT(badges.*)", "MAX(badges.points)", True),
        ("COUNT(gifts.* BY gifts.giver_id, -9, 0)", "COUNT(gifts.* BY gifts.taker_id, -9, 0)", False),
        ("COUNT(gifts.* BY gifts.giver_id, -9, 0)", "COUNT(visits.*, -9, 0)", False),
    ],
)
def test_aggregates_over_nearly_the_same_rows_share_a_scan(one: str, other: str, shared: bool) -> None:
    first, second = bound_aggregates(one, other)
    assert may_share([first], second) is shared
    assert may_share([second], first) is shared


def test_the_hull_holds_all_windows() -> None:
    span = Span(start=0, end=1)
    days = Window(start=-30, end=-1, unit="day", span=span)
    weeks = Window(start=-2, end=0, unit="week", span=span)
    assert hull([days]) == days
    assert hull([days, weeks]) == Window(start=-30 * 86_400, end=0, unit="second", span=span)
    assert hull([days, Window(start=None, end=-5, unit="day", span=span)]).start is None


def test_past_and_future_of_a_churn_query_are_read_at_once() -> None:
    text = "PREDICT COUNT(visits.*, 0, 30) = 0 FOR EACH people.person_id WHERE COUNT(visits.*, -90, 0) > 0"
    statement = label_sql(bind_query(parse_query(text), GRAPH), GRAPH, [0, 86_400 * 10**9])
    assert statement.count('FROM "visits"') == 1
