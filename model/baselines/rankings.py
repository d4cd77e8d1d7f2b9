# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Rankings without a model: what sells most, and what the entity has bought before. Nothing after a cut-off is read.

Legend: R rows, K ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from model.errors import UserError
from model.labels.table import Lists, Values
from model.metrics import average_precision_at_k
from model.query.bound import BoundQuery
from model.query.conditions import comparison_sql, condition_sql
from model.query.names import Names
from model.query.syntax import Aggregate, ColumnRef, Comparison
from model.tables.database import Database
from model.tables.sql_text import quote

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a ranking query speaks of."""

    rows: str
    """SQL: the table's rows under the target's condition, as columns `entity`, `item` and `time`."""
    items: "pd.Index"
    """Keys of the item table; a code is a position in it."""
    top: int
    last_ns: int
    """Time of the last row: in a frozen database nothing is known after it."""


def asked(database: Database, bound: BoundQuery) -> Asked:
    """Read the target of the query.

    Raises:
        UserError: no `RANK TOP k`, or a condition on another table's columns.
    """
    target = bound.target
    if bound.task != "link" or bound.top is None or not isinstance(target, Aggregate) or bound.item_table is None:
        raise UserError(f"a ranking needs LIST_DISTINCT(...) RANK TOP k (got a {bound.task} query)")
    table = database.graph.table(target.column.table)
    assert table.time_column is not None, "a target with a window has a time"

    def leaf(comparison: Comparison) -> str:
        ref = comparison.operand
        if not isinstance(ref, ColumnRef) or ref.via:
            raise UserError(
                f"`popularity` and `repeat` read conditions on `{table.name}` alone", hint="leave the models out"
            )
        return comparison_sql(comparison, quote(ref.column), Names.kind(table.column(ref.column)))

    condition = "TRUE" if target.where is None else condition_sql(target.where, leaf)
    item, time = quote(target.column.column), quote(table.time_column)
    rows = (
        f"(SELECT {quote(target.link_column or '')} AS entity, {item} AS item, {time} AS time "
        f"FROM main.{quote(table.name)} WHERE {condition} AND {item} IS NOT NULL)"
    )
    key = quote(database.graph.table(bound.item_table).primary_key or "")
    with database.connection.cursor() as cursor:
        items = pd.Index(cursor.execute(f"SELECT {key} FROM main.{quote(bound.item_table)} ORDER BY 1").df().iloc[:, 0])
    return Asked(rows=rows, items=items, top=bound.top, last_ns=database.time_range()[1])


def popular(database: Database, ask: Asked, cutoff_ns: Codes, window_ns: int | None) -> Codes:
    """[R, K] codes of what had most rows in the window up to each cut-off (None: ever); -1 where there are fewer."""
    ranked_RK = np.full((len(cutoff_ns), ask.top), -1, np.int64)
    for cutoff in np.unique(cutoff_ns).tolist():
        now = min(cutoff, ask.last_ns)
        since = "" if window_ns is None else f"AND time > {_moment(now - window_ns)}"
        best = database.rows(
            f"SELECT item FROM {ask.rows} WHERE time <= {_moment(now)} {since} "
            f"GROUP BY item ORDER BY count(*) DESC, item LIMIT {ask.top}"
        )
        codes = ask.items.get_indexer(pd.Index([row[0] for row in best])) if best else np.empty(0, np.int64)
        ranked_RK[cutoff_ns == cutoff, : len(codes)] = codes
    return ranked_RK


def repeated(database: Database, ask: Asked, entity: Values, cutoff_ns: Codes, order: str) -> Codes:
    """[R, K] codes of the entity's own items of the past.

    Args:
        database: the tables.
        ask: of the query.
        entity: [R]
        cutoff_ns: [R]
        order: `often` puts what came most often first, `lately` what came last; the other breaks ties.
    """
    ranked_RK = np.full((len(entity), ask.top), -1, np.int64)
    first, second = ("count(*)", "max(b.time)") if order == "often" else ("max(b.time)", "count(*)")
    rows = {"row": np.arange(len(entity)), "entity": pa.array(entity), "us": np.minimum(cutoff_ns, ask.last_ns) // 1000}
    with database.connection.cursor() as cursor:
        cursor.register("repeat_rows", pa.table(rows))
        found = cursor.execute(
            "SELECT row, item, rank FROM (SELECT a.row AS row, b.item AS item, row_number() OVER "
            f"(PARTITION BY a.row ORDER BY {first} DESC, {second} DESC, b.item) - 1 AS rank FROM repeat_rows AS a "
            f"JOIN {ask.rows} AS b ON b.entity = a.entity AND b.time <= make_timestamp(a.us) GROUP BY a.row, b.item) "
            f"WHERE rank < {ask.top}"
        ).df()
    ranked_RK[found["row"].to_numpy(), found["rank"].to_numpy()] = ask.items.get_indexer(pd.Index(found["item"]))
    return ranked_RK


def filled(first_RK: Codes, second_RK: Codes) -> Codes:
    """The first list, its free ranks taken by items of the second that are not in it yet."""
    both = np.concatenate([first_RK, second_RK], axis=1)
    ranked_RK = np.full_like(first_RK, -1)
    for row, codes in enumerate(both):
        known = codes[codes >= 0]
        _, place = np.unique(known, return_index=True)
        kept = known[np.sort(place)][: ranked_RK.shape[1]]
        ranked_RK[row, : len(kept)] = kept
    return ranked_RK


def precision_of(ask: Asked, ranked_RK: Codes, lists: Lists, rows: Sequence[int] | Codes) -> npt.NDArray[np.float64]:
    """[R] average precision of each ranking against the items of its row."""
    wanted = lists.take(np.asarray(rows, np.int64))
    owner = np.repeat(np.arange(len(wanted)), wanted.lengths())
    size = len(ask.items) + 1
    relevant = owner * size + ask.items.get_indexer(pd.Index(wanted.values))
    hits_RK = np.isin(np.arange(len(ranked_RK))[:, None] * size + ranked_RK, relevant) & (ranked_RK >= 0)
    return average_precision_at_k(wanted.lengths(), hits_RK)


def _moment(time_ns: int) -> str:
    return f"make_timestamp({time_ns // 1000})"
