"""The planned SQL and the slow interpreter agree on random queries over random little databases."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.graph import Column, Graph, Link, SemanticType, Table
from model.query import bind_query, parse_query
from model.query.sql import entity_sql, label_sql
from model.tables.database import Database
from tests.model.little_tables import day_ns
from tests.model.query.interpreter import LittleDatabase, labelled

START = datetime(2024, 1, 1)
COLUMNS = {
    "people": {"person_id": "BIGINT", "joined": "TIMESTAMP", "score": "DOUBLE", "town": "VARCHAR"},
    "shops": {"shop_id": "BIGINT", "kind": "VARCHAR"},
    "visits": {
        "visit_id": "BIGINT",
        "person_id": "BIGINT",
        "shop_id": "BIGINT",
        "at_time": "TIMESTAMP",
        "spent": "DOUBLE",
        "items": "INTEGER",
        "note": "VARCHAR",
        "online": "BOOLEAN",
    },
}
MEANINGS = {"DOUBLE": SemanticType.NUMERICAL, "INTEGER": SemanticType.NUMERICAL, "BIGINT": SemanticType.ID}
MEANINGS |= {"TIMESTAMP": SemanticType.TIMESTAMP}
GRAPH = Graph(
    tables=tuple(
        Table(
            name=name,
            columns=tuple(
                Column(name=c, semantic_type=MEANINGS.get(t, SemanticType.CATEGORICAL), storage_type=t)
                for c, t in columns.items()
            ),
            primary_key=next(iter(columns)),
            time_column={"people": "joined", "visits": "at_time"}.get(name),
        )
        for name, columns in COLUMNS.items()
    ),
    links=(
        Link(child_table="visits", child_column="person_id", parent_table="people"),
        Link(child_table="visits", child_column="shop_id", parent_table="shops"),
    ),
)

half_days = st.integers(2, 10).map(lambda n: START + timedelta(hours=12 * n))
words = st.sampled_from(["tea", "teapot", "pot", "a'b", "%", ""])
quarters = st.integers(-8, 8).map(lambda n: n / 4)


def database_of(seed: int) -> LittleDatabase:
    """Dense rows, so that most queries have labels of both kinds; every tenth value is missing."""
    random = Random(seed)

    def maybe(value: Any) -> Any:
        return None if random.random() < 0.1 else value

    def time() -> datetime:
        return START + timedelta(hours=12 * random.randrange(14))

    def word() -> str:
        return random.choice(["tea", "teapot", "pot", "a'b", "%", ""])

    people = [
        {"person_id": n, "joined": random.choice([START, time()]), "score": maybe(n / 4), "town": maybe(word())}
        for n in range(4)
    ]
    visits = [
        {
            "visit_id": n,
            "person_id": maybe(random.randrange(5)),
            "shop_id": maybe(random.randrange(3)),
            "at_time": maybe(time()),
            "spent": maybe(random.randrange(-2, 9) / 4),
            "items": maybe(random.randrange(4)),
            "note": maybe(word()),
            "online": maybe(random.random() < 0.5),
        }
        for n in range(40)
    ]
    shops = [{"shop_id": n, "kind": maybe(word())} for n in range(2)]
    return LittleDatabase(people=people, shops=shops, visits=visits)


databases = st.integers(0, 2**32).map(database_of)


numbers = st.integers(0, 4).map(str) | quarters.map(str)
orders = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "<>"])
strings = words.map(lambda word: "'" + word.replace("'", "''") + "'")
nulls = st.sampled_from(["IS NULL", "IS NOT NULL", "= NULL", "!= null"])


@st.composite
def comparisons(draw: st.DrawFn, number: Sequence[str], string: Sequence[str], boolean: Sequence[str]) -> str:
    """One comparison of an operand of a known kind."""
    kind = draw(st.sampled_from([k for k, some in (("n", number), ("s", string), ("b", boolean)) if some]))
    operand = draw(st.sampled_from({"n": number, "s": string, "b": boolean}[kind]))
    if draw(st.integers(0, 7)) == 7:
        return f"{operand} {draw(nulls)}"
    if kind == "n":
        many = "(" + ", ".join(draw(st.lists(numbers, min_size=1, max_size=3))) + ")"
        return draw(st.sampled_from([f"{operand} {draw(orders)} {draw(numbers)}", f"{operand} not in {many}"]))
    if kind == "b":
        return f"{operand} {draw(st.sampled_from(['= TRUE', '!= FALSE', '= 0', 'IN (TRUE)']))}"
    word = draw(
        st.sampled_from(["=", "!=", "LIKE", "NOT LIKE", "CONTAINS", "NOT CONTAINS", "STARTS WITH", "ENDS WITH"])
    )
    pattern = draw(strings if word in ("=", "!=") else st.sampled_from(["'te%'", "'_ot'", "'pot'", "'t'"]))
    return f"{operand} {word} {pattern}"


def conditions(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaf,
        lambda part: (
            part.map(lambda p: f"NOT ({p})")
            | st.tuples(part, st.sampled_from(["AND", "or"]), part).map(lambda three: f"({' '.join(three)})")
        ),
        max_leaves=2,
    )


row_conditions = conditions(
    comparisons(
        number=["visits.spent", "visits.items"],
        string=["visits.note", "shops.kind", "people.town"],
        boolean=["visits.online"],
    )
)


@st.composite
def aggregates(draw: st.DrawFn, future: bool) -> tuple[str, str]:
    """(text, kind of the result)."""
    function = draw(st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "max", "COUNT_DISTINCT", "FIRST", "LAST"]))
    choices = {"COUNT": ["*", "note", "spent"], "COUNT_DISTINCT": ["note", "shop_id", "items"]}
    column = draw(st.sampled_from(choices.get(function, ["spent", "items"])))
    where = f" WHERE {draw(row_conditions)}" if draw(st.integers(0, 2)) == 2 else ""
    ends = sorted(draw(st.lists(st.integers(0, 5), min_size=2, max_size=2, unique=True)))
    start, end = ends if future else (-ends[1], -ends[0])
    past = "-INF" if not future and draw(st.integers(0, 3)) == 0 else str(start)
    unit = draw(st.sampled_from(["", ", days", ", day"]))
    if unit and draw(st.booleans()):
        past, end, unit = (past if past == "-INF" else str(start * 12)), end * 12, ", hours"
    return f"{function}(visits.{column}{where}, {past}, {end}{unit})", "n"


def temporal(future: bool) -> st.SearchStrategy[str]:
    return conditions(aggregates(future).flatmap(lambda pair: comparisons(number=[pair[0]], string=[], boolean=[])))


@st.composite
def queries(draw: st.DrawFn) -> str:
    own = comparisons(number=["people.score"], string=["people.town"], boolean=[])
    kinds = [temporal(future=True)] * 4 + [aggregates(future=True).map(lambda pair: pair[0])] * 3
    kinds += [conditions(own), st.just("people.score")]
    target = draw(kinds[draw(st.integers(0, len(kinds) - 1))])
    text = f"PREDICT {target} FOR EACH people.person_id"
    if draw(st.booleans()):
        text += f" WHERE {draw(conditions(temporal(future=False) | own))}"
    if draw(st.integers(0, 3)) == 3:
        text += f" ASSUMING {draw(temporal(future=True))}"
    return text


def opened(little: LittleDatabase) -> Database:
    connection = duckdb.connect()
    for name, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
        for row in little.table(name):
            connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", list(row.values()))
    return Database(folder=Path(), graph=GRAPH, connection=connection)


@settings(max_examples=150, deadline=None)
@given(
    little=databases,
    text=queries(),
    cutoffs=st.lists(half_days, min_size=1, max_size=3, unique=True),
)
def test_sql_agrees_with_the_interpreter(little: LittleDatabase, text: str, cutoffs: list[datetime]) -> None:
    query = parse_query(text)
    wanted = [
        (entity, (cutoff - START).total_seconds(), label) for entity, cutoff, label in labelled(little, query, cutoffs)
    ]
    times = [day_ns((cutoff - START).total_seconds() / 86_400) for cutoff in cutoffs]
    with opened(little) as database:
        rows = database.rows(label_sql(bind_query(query, GRAPH), GRAPH, times))
    assert [(entity, (time - day_ns(0)) / 1e9, float(label)) for entity, time, label in rows] == wanted


@settings(max_examples=30, deadline=None)
@given(little=databases, cutoff=half_days)
def test_entities_at_a_cut_off_are_those_that_are_labelled(little: LittleDatabase, cutoff: datetime) -> None:
    query = parse_query(
        "PREDICT COUNT(visits.*, 0, 2) = 0 FOR EACH people.person_id "
        "WHERE COUNT(visits.*, -3, 0) > 0 OR people.score > 0"
    )
    bound = bind_query(query, GRAPH)
    time = day_ns((cutoff - START).total_seconds() / 86_400)
    with opened(little) as database:
        labels = [row[:2] for row in database.rows(label_sql(bound, GRAPH, [time]))]
        assert database.rows(entity_sql(bound, GRAPH, time)) == labels


def visit(number: int, at_time: datetime, **values: Any) -> dict[str, Any]:
    row = {"visit_id": number, "person_id": 0, "shop_id": 0, "at_time": at_time, "spent": 1.0, "items": 1}
    return row | {"note": "tea", "online": True} | values


@pytest.mark.parametrize(
    ("second", "past", "label"), [(-1, 1, 0), (0, 1, 0), (1, 0, 1), (86_400, 0, 1), (86_401, 0, 0)]
)
def test_a_row_at_the_cut_off_is_past_and_one_at_the_end_is_label(second: int, past: int, label: int) -> None:
    row = visit(1, START + timedelta(days=3, seconds=second))
    people = [{"person_id": 0, "joined": START, "score": None, "town": None}]
    little = LittleDatabase(people=people, shops=[], visits=[row])
    text = "PREDICT COUNT(visits.*, 0, 1, days) FOR EACH people.person_id"
    with opened(little) as database:
        bound = bind_query(parse_query(text), GRAPH)
        assert database.rows(label_sql(bound, GRAPH, [day_ns(3)])) == [(0, day_ns(3), label)]
        active = bind_query(parse_query(text + " WHERE EXISTS(visits.*, -1, 0, days)"), GRAPH)
        assert len(database.rows(label_sql(active, GRAPH, [day_ns(3)]))) == past


def test_months_are_calendar_months() -> None:
    people = [{"person_id": 0, "joined": START, "score": None, "town": None}]
    visits = [visit(1, datetime(2024, 2, 29)), visit(2, datetime(2024, 3, 1, 12))]
    bound = bind_query(parse_query("PREDICT COUNT(visits.*, 0, 1, months) FOR EACH people.person_id"), GRAPH)
    assert bound.horizon_ns == 31 * day_ns(1) - 31 * day_ns(0)
    with opened(LittleDatabase(people=people, shops=[], visits=visits)) as database:
        rows = database.rows(label_sql(bound, GRAPH, [day_ns(31), day_ns(30)]))
    assert [row[2] for row in rows] == [1, 1]
