"""The statement that `model/query/sql.py` plans, written for the databases that hold the tables: Snowflake, Spark SQL.

    stillhouse query "PREDICT ..." --sql snowflake

The session's time zone must be UTC, and names are quoted: they must be spelled as the tables spell them.
"""

from collections.abc import Callable
from typing import Literal, get_args

import sqlglot
from sqlglot import exp

from model.errors import UserError

Dialect = Literal["duckdb", "snowflake", "spark"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


def write_sql(statement: str, dialect: str) -> str:
    """A DuckDB statement of the planner as `dialect` writes it, indented.

    Raises:
        UserError: no such dialect.
    """
    known = next((name for name in DIALECTS if name == dialect), None)
    if known is None:
        raise UserError(f"no such SQL dialect (got `{dialect}`)", hint=f"one of {', '.join(DIALECTS)}")
    tree = sqlglot.parse_one(statement, read="duckdb")
    if known != "duckdb":
        tree = tree.transform(lambda node: _portable(node, known))
    return tree.sql(dialect=known, pretty=True)


def _portable(node: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Replace what only DuckDB has."""
    if isinstance(node, exp.Anonymous) and node.name.lower() in _FUNCTIONS:
        return _FUNCTIONS[node.name.lower()](node.expressions[0], dialect)
    if isinstance(node, exp.Like) and dialect == "spark":
        # Spark takes a backslash in a pattern as an escape; DuckDB and Snowflake take it as itself.
        pattern = node.expression
        if isinstance(pattern, exp.Literal):
            node.set("expression", exp.Literal.string(pattern.name.replace("\\", "\\\\")))
    return node


def _epoch_ns(time: exp.Expr, dialect: Dialect) -> exp.Expr:
    if dialect == "snowflake":
        return exp.func("DATE_PART", exp.var("EPOCH_NANOSECOND"), time)
    return exp.Mul(this=exp.func("UNIX_MICROS", exp.cast(time, "timestamptz")), expression=exp.Literal.number(1000))


_FUNCTIONS: dict[str, Callable[[exp.Expr, Dialect], exp.Expr]] = {
    "fsum": lambda value, _: exp.Sum(this=value),
    "favg": lambda value, _: exp.Avg(this=value),
    "epoch_ns": _epoch_ns,
}
