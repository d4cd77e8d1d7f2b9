"""Random queries over random databases: the planned SQL against the interpreter. A long run:

python -m tests.model.query.agree 100000
"""

import sys
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from model.query import BoundQuery, PredictiveQuery, bind_query, parse_query
from model.query.sql import entity_sql, label_sql
from model.tables.database import Database
from tests.model.query.interpreter import Interpreter
from tests.model.query.random_database import GRAPH, NUM_HALF_DAYS, START, Tables, opened, random_tables
from tests.model.query.random_queries import RandomQuery

EPOCH = datetime(1970, 1, 1)


def check_database(seed: int, num_queries: int) -> Counter[str]:
    """Compare so many queries over one database; how many had rows, by task."""
    random = Random(seed)
    tables = random_tables(random)
    counts: Counter[str] = Counter()
    with opened(tables) as database:
        for _ in range(num_queries):
            text = RandomQuery(random).text
            cutoffs = {random_cutoff(random) for _ in range(random.choice([1, 3]))}
            query = parse_query(text)
            bound = bind_query(query, GRAPH)
            num_rows = check_query(database, tables, query, bound, sorted(cutoffs))
            counts[bound.task] += num_rows > 0
            counts["empty"] += num_rows == 0
    return counts


def check_query(
    database: Database, tables: Tables, query: PredictiveQuery, bound: BoundQuery, cutoffs: list[datetime]
) -> int:
    """Compare the labels at all cut-offs and the entities at the first; the number of labels."""
    interpreter = Interpreter(GRAPH, tables)
    wanted = [(entity, to_ns(cutoff), label) for entity, cutoff, label in interpreter.labelled(query, cutoffs)]
    found = rows(database, label_sql(bound, GRAPH, [to_ns(cutoff) for cutoff in cutoffs]))
    assert found == wanted, query.text
    first = cutoffs[0]
    key = bound.entity_key
    eligible = [row[key] for row in tables[bound.entity_table] if interpreter.eligible(query, row, first)]
    assert rows(database, entity_sql(bound, GRAPH, to_ns(first))) == [(k, to_ns(first)) for k in sorted(eligible)]
    return len(wanted)


def random_cutoff(random: Random) -> datetime:
    """Among the rows, or where a month away has no such day."""
    if random.random() < 0.1:
        return random.choice([datetime(2024, 1, 30), datetime(2024, 1, 31, 12), datetime(2024, 3, 31)])
    return START + timedelta(hours=12 * random.choice([random.randrange(NUM_HALF_DAYS), random.randrange(8, 20)]))


def rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    return database.connection.execute(sql).fetchall()


def to_ns(time: datetime) -> int:
    """Nanoseconds since the Unix epoch."""
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def main() -> None:
    """Compare as many queries as the command line says."""
    wanted, counts, seed = int(sys.argv[1]), Counter[str](), 0
    while counts.total() < wanted:
        counts += check_database(seed, 50)
        seed += 1
    print(f"{counts.total():,} queries over {seed:,} databases agree: {dict(counts)}")


if __name__ == "__main__":
    main()
