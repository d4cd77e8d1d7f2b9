"""The plan in other dialects: as kept in `golden/`, and the same rows when it is read back from there."""

from random import Random
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from model.errors import UserError
from model.query.dialects import DIALECTS, Dialect, write_sql
from tests.model.query.agree import rows
from tests.model.query.golden_queries import FOLDER, QUERIES, golden_path, statement
from tests.model.query.random_database import opened, random_tables

DENSE = 31
"""A database in which every query has rows."""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", QUERIES)
def test_sql_is_as_kept(name: str, dialect: Dialect) -> None:
    assert write_sql(statement(name), dialect) + "\n" == golden_path(name, dialect).read_text()


def test_no_file_is_kept_for_nothing() -> None:
    assert set(FOLDER.iterdir()) == {golden_path(name, dialect) for name in QUERIES for dialect in DIALECTS}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", QUERIES)
def test_sql_read_back_gives_the_same_rows(name: str, dialect: Dialect) -> None:
    with opened(random_tables(Random(DENSE))) as database:
        planned = rows(database, statement(name))
        assert len(planned) > 1
        assert rows(database, read_back(golden_path(name, dialect).read_text(), dialect)) == planned


@pytest.mark.parametrize("dialect", ["snowflake", "spark"])
@pytest.mark.parametrize("name", QUERIES)
def test_nothing_is_left_that_only_duckdb_has(name: str, dialect: Dialect) -> None:
    tree = sqlglot.parse_one(golden_path(name, dialect).read_text(), read=dialect)
    assert {node.name.lower() for node in tree.find_all(exp.Anonymous)} <= {"unix_micros"}


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(UserError, match=r"no such SQL dialect \(got `oracle`\)[\s\S]*duckdb, snowflake, spark"):
        write_sql("SELECT 1", "oracle")


def read_back(sql: str, dialect: Dialect) -> str:
    """The text as `dialect` understands it, in DuckDB's words."""
    tree = sqlglot.parse_one(sql, read=dialect).transform(lambda node: _own_words(node, dialect))
    return str(tree.sql(dialect="duckdb"))


def _own_words(node: Any, dialect: Dialect) -> Any:
    """What sqlglot takes over as it stands, though DuckDB calls or understands it otherwise."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "unix_micros":
        time = exp.cast(node.expressions[0], "timestamp")
        return exp.Div(this=exp.func("epoch_ns", time), expression=exp.Literal.number(1000))
    if isinstance(node, exp.Like) and dialect == "spark" and not isinstance(node.parent, exp.Escape):
        return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))
    return node
