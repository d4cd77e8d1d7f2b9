"""Keys and anchors -> the requests that an application would have sent, read from a graph store as of each anchor."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from model.contract import Datatype, Interactions, PayloadContract, Role, TensorSpec
from model.graph import Link, SemanticType
from model.payload import RequestValues, Value
from model.served.missing import MISSING_INT64
from model.store.store import GraphStore

Keys = Sequence[int] | Sequence[str] | npt.NDArray[Any]
Int = npt.NDArray[np.int64]


def link_path_name(store: GraphStore, link: Link) -> str:
    """How a history is called in tensor names: `parent.key->child.column`."""
    key = store.graph.table(link.parent_table).primary_key
    return f"{link.parent_table}.{key}->{link.child_table}.{link.child_column}"


def history_links(store: GraphStore, entity_table: str) -> tuple[Link, ...]:
    """Links whose child rows have a time: each gives one history of the entity."""
    links = store.graph.children(entity_table)
    return tuple(link for link in links if store.graph.table(link.child_table).time_column is not None)


def recent_children(
    store: GraphStore, link: Link, entity_rows: Int, upto_ns: Int, max_rows: int
) -> tuple[npt.NDArray[np.int32], Int]:
    """The last `max_rows` child rows at or before each bound, oldest first.

    Args:
        store: where the rows are.
        link: from the child table to the entity.
        entity_rows: [B] rows of the entity table; -1 has no children.
        upto_ns: [B] the bounds, included.
        max_rows: of one entity.

    Returns:
        [R] child rows and [R] which of the B entities each belongs to, ascending.
    """
    adjacency = store.children(link)
    known = np.maximum(entity_rows, 0)
    first = adjacency.indptr[known]
    past_end = adjacency.indptr[known + 1]
    last = first + [
        np.searchsorted(adjacency.child_times[a:b], t, side="right")
        for a, b, t in zip(first.tolist(), past_end.tolist(), upto_ns.tolist(), strict=True)
    ]
    last = np.where(entity_rows < 0, first, last).astype(np.int64)
    first = np.maximum(first, last - max_rows)
    owner_R = np.repeat(np.arange(len(entity_rows)), last - first)
    starts = np.cumsum(last - first) - (last - first)
    places = np.arange(len(owner_R)) - starts[owner_R] + first[owner_R]
    return adjacency.child_rows[places], owner_R


def raw_column(store: GraphStore, table: str, column: str, rows: npt.NDArray[Any]) -> list[Value]:
    """Values of a column at `rows` as an application knows them; None where missing or where the row is -1."""
    if len(rows) == 0:
        return []
    for link in store.graph.parents(table):
        if link.child_column == column:
            parents = np.where(rows < 0, -1, store.parent_rows(link)[rows])
            return _at(store.keys(link.parent_table), parents)
    if column == store.graph.table(table).primary_key:
        return _at(store.keys(table), rows)
    if column == store.graph.table(table).time_column:
        return _at(store.row_times(table), rows)
    values = store.column(table, column)
    if store.graph.table(table).column(column).semantic_type in (SemanticType.CATEGORICAL, SemanticType.TEXT):
        codes = np.where(rows < 0, -1, values[rows])
        names = store.categories(table, column)
        return [None if code < 0 else names[code] for code in codes.tolist()]
    return _at(values, rows)


def requests_from_store(
    store: GraphStore, contract: PayloadContract, keys: Keys, anchors_ns: Int
) -> list[RequestValues]:
    """One request for each (key, anchor): facts and interactions as they stood at the anchor.

    A key that the tables do not hold gives a request without facts and interactions, as for a new customer.
    """
    entity_rows = np.asarray(store.rows_of(contract.entity_table, np.asarray(keys)), np.int64)
    visible = store.row_times(contract.entity_table)[np.maximum(entity_rows, 0)] <= anchors_ns
    fact_rows = np.where(visible, entity_rows, -1)
    names = [spec.name for spec in contract.facts()]
    columns = [_fact(store, contract, spec, fact_rows, keys) for spec in contract.facts()]
    histories = {
        history.path: _history(store, contract, history, entity_rows, anchors_ns) for history in contract.interactions
    }
    return [
        RequestValues(
            anchor_time_ns=anchor_ns,
            facts={name: column[place] for name, column in zip(names, columns, strict=True)},
            interactions={path: rows[place] for path, rows in histories.items()},
        )
        for place, anchor_ns in enumerate(anchors_ns.tolist())
    ]


def _fact(store: GraphStore, contract: PayloadContract, spec: TensorSpec, rows: Int, keys: Keys) -> list[Value]:
    if spec.name == contract.embedding_key:
        return [_plain(key) for key in np.asarray(keys).tolist()]
    return [_typed(spec, value) for value in raw_column(store, spec.table, spec.column, rows)]


def _history(
    store: GraphStore, contract: PayloadContract, history: Interactions, entity_rows: Int, anchors_ns: Int
) -> list[dict[str, list[Value]]]:
    """Columns of one history for each request."""
    links = history_links(store, contract.entity_table)
    link = next(link for link in links if link_path_name(store, link) == history.path)
    rows, owner_R = recent_children(store, link, entity_rows, anchors_ns - history.ignored_ns, history.max_rows)
    bounds = np.searchsorted(owner_R, np.arange(len(entity_rows) + 1)).tolist()
    columns = {
        spec.column: [_typed(spec, value) for value in raw_column(store, history.table, spec.column, rows)]
        for spec in contract.interaction_columns(history.path)
    }
    return [{name: values[start:end] for name, values in columns.items()} for start, end in pairwise(bounds)]


def _typed(spec: TensorSpec, value: Value) -> Value:
    """A stored value as the tensor carries it: stored categories are text, whole numbers may be stored as floats."""
    assert spec.role in (Role.FACT, Role.INTERACTION), spec.role
    if value is None or spec.datatype is Datatype.BYTES:
        return value if value is None else str(value)
    return int(value) if spec.datatype is Datatype.INT64 else float(value)


def _at(values: npt.NDArray[Any], rows: npt.NDArray[Any]) -> list[Value]:
    """`values[rows]` as Python values; None where the row is negative or the value stands for null."""
    if len(values) == 0:
        return [None] * len(rows)
    picked: list[Value] = values[np.maximum(rows, 0)].tolist()
    known = (rows >= 0).tolist()
    return [_plain(value) if there else None for value, there in zip(picked, known, strict=True)]


def _plain(value: Value) -> Value:
    if isinstance(value, bytes):
        return value.decode()
    if value == MISSING_INT64 or value != value:
        return None
    return value
