"""The queries whose SQL is kept in `golden/`, one file a dialect; written anew by

python -m tests.model.query.golden_queries
"""

from datetime import datetime
from pathlib import Path

from model.query import bind_query, parse_query
from model.query.dialects import DIALECTS, Dialect, write_sql
from model.query.sql import label_sql
from tests.model.query.agree import to_ns
from tests.model.query.random_database import GRAPH

FOLDER = Path(__file__).with_name("golden")
CUTOFFS = (datetime(2024, 2, 24), datetime(2024, 2, 29, 12))
QUERIES = {
    "churn": "PREDICT COUNT(visits.*, 0, 5, days) = 0 FOR EACH people.person_id WHERE COUNT(visits.*, -7, 0, days) > 0",
    "spend": (
        "PREDICT SUM(visits.spent WHERE shops.kind LIKE 'te%' AND visits.online IS NOT NULL, 0, 1, weeks) "
        "FOR EACH people.person_id WHERE people.town NOT CONTAINS 'p' OR people.score > 0.5"
    ),
    "average": "PREDICT AVG(visits.items, 0, 1, months) FOR EACH shops.shop_id WHERE shops.kind STARTS WITH 't'",
    "last": (
        "PREDICT LAST(visits.note, 0, 6, days) FOR EACH people.person_id "
        "ASSUMING EXISTS(gifts.* BY gifts.taker_id, 0, 9, days)"
    ),
    "first": "PREDICT FIRST(gifts.what BY gifts.giver_id, 0, 120, hours) CLASSIFY FOR EACH people.person_id",
    "ranking": "PREDICT LIST_DISTINCT(visits.shop_id, 0, 10, days) RANK TOP 2 FOR EACH people.person_id",
    "labels": "PREDICT LIST_DISTINCT(visits.note, 0, 9) CLASSIFY FOR EACH people.person_id WHERE COUNT(badges.*) > 0",
    "forecast": "PREDICT SUM(visits.spent, 0, 2, days) FORECAST 3 TIMEFRAMES FOR EACH people.person_id",
    "forecast_average": "PREDICT AVG(visits.spent, 0, 3, days) FORECAST 2 TIMEFRAMES FOR EACH shops.shop_id",
    "own_row": (
        "PREDICT visits.online FOR EACH visits.visit_id "
        "WHERE people.town IN ('tea', 'a''b', 'pot') AND NOT visits.note ENDS WITH 'pot' AND visits.due > 2024-02-01"
    ),
    "backslash": "PREDICT visits.spent > 0 FOR EACH visits.visit_id WHERE visits.note LIKE 'back\\sl_s%'",
    "extremes": (
        "PREDICT MAX(visits.spent, 0, 4) > 1 AND COUNT_DISTINCT(visits.shop_id, 0, 4) >= 1 FOR EACH people.person_id "
        "WHERE MIN(visits.due, -INF, 0) IS NOT NULL"
    ),
}


def statement(name: str) -> str:
    """The DuckDB statement of a query at the cut-offs."""
    bound = bind_query(parse_query(QUERIES[name]), GRAPH)
    return label_sql(bound, GRAPH, [to_ns(cutoff) for cutoff in CUTOFFS])


def golden_path(name: str, dialect: Dialect) -> Path:
    """Where the SQL of a query is kept."""
    return FOLDER / f"{name}.{dialect}.sql"


def main() -> None:
    """Write all files."""
    for name in QUERIES:
        for dialect in DIALECTS:
            golden_path(name, dialect).write_text(write_sql(statement(name), dialect) + "\n")


if __name__ == "__main__":
    main()
