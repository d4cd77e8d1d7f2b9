"""Small databases drawn at random: keys missing, dangling or repeated, values missing, many rows at one moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from model.graph import Column, Graph, Link, SemanticType, Table
from model.tables.database import Database

START = datetime(2024, 2, 20)
NUM_HALF_DAYS = 30
COLUMNS = {
    "people": {
        "person_id": "BIGINT",
        "joined": "TIMESTAMP",
        "score": "DOUBLE",
        "town": "VARCHAR",
        "grade": "INTEGER",
        "member": "BOOLEAN",
        "home_id": "VARCHAR",
    },
    "shops": {"shop_id": "VARCHAR", "kind": "VARCHAR", "area": "DOUBLE"},
    "visits": {
        "visit_id": "BIGINT",
        "person_id": "BIGINT",
        "shop_id": "VARCHAR",
        "at_time": "TIMESTAMP",
        "spent": "DOUBLE",
        "items": "INTEGER",
        "note": "VARCHAR",
        "stars": "INTEGER",
        "online": "BOOLEAN",
        "due": "TIMESTAMP",
    },
    "gifts": {"giver_id": "BIGINT", "taker_id": "BIGINT", "sent": "TIMESTAMP", "worth": "FLOAT", "what": "VARCHAR"},
    "badges": {"person_id": "BIGINT", "name": "VARCHAR", "points": "INTEGER"},
}
_KEYS = {"people": "person_id", "shops": "shop_id", "visits": "visit_id"}
_TIMES = {"people": "joined", "visits": "at_time", "gifts": "sent"}
_LINKS = {
    ("people", "home_id"): "shops",
    ("visits", "person_id"): "people",
    ("visits", "shop_id"): "shops",
    ("gifts", "giver_id"): "people",
    ("gifts", "taker_id"): "people",
    ("badges", "person_id"): "people",
}
_NUMERICAL = {"score", "area", "spent", "items", "worth", "points"}
WORDS = ("tea", "teapot", "pot", "a'b", "%", "", "T_a", "back\\slash")


def _meaning(table: str, name: str, storage: str) -> SemanticType:
    if name == _KEYS.get(table) or (table, name) in _LINKS:
        return SemanticType.ID
    if storage == "TIMESTAMP":
        return SemanticType.TIMESTAMP
    return SemanticType.NUMERICAL if name in _NUMERICAL else SemanticType.CATEGORICAL


GRAPH = Graph(
    tables=tuple(
        Table(
            name=table,
            columns=tuple(
                Column(name=name, semantic_type=_meaning(table, name, storage), storage_type=storage)
                for name, storage in columns.items()
            ),
            primary_key=_KEYS.get(table),
            time_column=_TIMES.get(table),
        )
        for table, columns in COLUMNS.items()
    ),
    links=tuple(
        Link(child_table=child, child_column=column, parent_table=parent) for (child, column), parent in _LINKS.items()
    ),
)
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def random_tables(random: Random) -> Tables:
    """Rows that leave few windows empty; every value may be missing, the more so in some databases."""
    share_missing = random.choice([0.0, 0.05, 0.1, 0.3])

    def maybe(value: Any) -> Any:
        return None if random.random() < share_missing else value

    def time() -> datetime:
        half_days = random.choice([random.randrange(NUM_HALF_DAYS), random.randrange(14, 18)])
        return START + timedelta(hours=12 * half_days, seconds=random.choice([0, 0, 0, -1, 1]))

    def word() -> str:
        return random.choice(WORDS)

    def quarters() -> float:
        return random.randrange(-4, 9) / 4

    people = [
        {
            "person_id": maybe(n),
            "joined": maybe(random.choice([START, START, time()])),
            "score": maybe(quarters()),
            "town": maybe(word()),
            "grade": maybe(random.randrange(3)),
            "member": maybe(random.random() < 0.5),
            "home_id": maybe(f"shop {random.randrange(4)}"),
        }
        for n in range(random.choice([0, 1, 5, 6, 6, 6, 6, 6, 6]))
    ]
    shops = [
        {"shop_id": maybe(f"shop {n}"), "kind": maybe(word()), "area": maybe(quarters())}
        for n in range(random.choice([0, 3, 3, 3, 4, 4, 4]))
    ]
    visits = [
        {
            "visit_id": maybe(n),
            "person_id": maybe(random.randrange(6)),
            "shop_id": maybe(f"shop {random.randrange(4)}"),
            "at_time": maybe(time()),
            "spent": maybe(quarters()),
            "items": maybe(random.randrange(-1, 4)),
            "note": maybe(word()),
            "stars": maybe(random.randrange(3)),
            "online": maybe(random.random() < 0.5),
            "due": maybe(time()),
        }
        for n in random.sample(range(100), random.choice([0, 10, 80, 80, 80, 80]))
    ]
    gifts = [
        {
            "giver_id": maybe(random.randrange(5)),
            "taker_id": maybe(random.randrange(6)),
            "sent": maybe(time()),
            "worth": maybe(quarters()),
            "what": maybe(word()),
        }
        for _ in range(random.choice([0, 10, 50, 50, 50]))
    ]
    badges = [
        {"person_id": maybe(random.randrange(5)), "name": maybe(word()), "points": maybe(random.randrange(4))}
        for _ in range(random.randrange(8))
    ]
    repeated = gifts + random.sample(gifts, len(gifts) // 3)
    return {"people": people, "shops": shops, "visits": visits, "gifts": repeated, "badges": badges}


def opened(tables: Tables) -> Database:
    """The rows as a database in memory."""
    connection = duckdb.connect(config={"threads": 1})
    for name, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
        if rows := tables[name]:
            holes = f"({', '.join('?' * len(columns))})"
            values = [row[column] for row in rows for column in columns]
            connection.execute(f"INSERT INTO {name} VALUES {', '.join([holes] * len(rows))}", values)
    return Database(folder=Path(), graph=GRAPH, connection=connection)
