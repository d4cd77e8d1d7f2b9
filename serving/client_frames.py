"""Data frames -> values of requests: one row an entity, its interactions in a frame for each path."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from model.contract import PayloadContract
from model.errors import UserError
from model.payload import RequestValues, Value


def values_from_frames(
    contract: PayloadContract, entities: pd.DataFrame, interactions: Mapping[str, pd.DataFrame], anchor: pd.Timestamp
) -> list[RequestValues]:
    """One request's values for each row of `entities`, in order.

    Args:
        contract: of the served model; columns that it does not name are left out.
        entities: columns as in the entity's table; those that are not there are missing, but for the key.
        interactions: path -> rows of its table, with the foreign key that names the entity; a row's order does not
            matter, and rows of other entities may be among them.
        anchor: the moment of the predictions; without a time zone it is UTC.

    Raises:
        UserError: no key, an unknown path, or a column that the path needs is missing; names it.
    """
    key = contract.tensor(contract.embedding_key).column
    if key not in entities:
        raise UserError(f"the entities have no column `{key}` (got {', '.join(map(str, entities.columns))})")
    paths = [history.path for history in contract.interactions]
    for path in interactions:
        if path not in paths:
            raise UserError(f"unknown path `{path}`", hint=f"the model takes {', '.join(paths)}")
    rows = {path: _rows_by_entity(contract, path, frame) for path, frame in interactions.items()}
    facts = [spec for spec in contract.facts() if spec.column in entities]
    columns = {spec.name: _plain(entities[spec.column]) for spec in facts}
    return [
        RequestValues(
            anchor_time_ns=_nanoseconds(anchor),
            facts={name: column[place] for name, column in columns.items()},
            interactions={path: by_entity[owner] for path, by_entity in rows.items() if owner in by_entity},
        )
        for place, owner in enumerate(_plain(entities[key]))
    ]


def _rows_by_entity(contract: PayloadContract, path: str, frame: pd.DataFrame) -> dict[Value, dict[str, list[Value]]]:
    """Entity's key -> column -> values."""
    foreign_key = path.rpartition(".")[2]
    columns = [spec.column for spec in contract.interaction_columns(path)]
    for column in (foreign_key, *columns):
        if column not in frame:
            raise UserError(f"the rows of `{path}` have no column `{column}`", hint=f"they need {', '.join(columns)}")
    owners = _plain(frame[foreign_key])
    found: dict[Value, dict[str, list[Value]]] = {}
    for column in columns:
        for owner, value in zip(owners, _plain(frame[column]), strict=True):
            found.setdefault(owner, {name: [] for name in columns})[column].append(value)
    return found


def _plain(column: "pd.Series[Any]") -> list[Value]:
    """Python values; null is None, and a moment is nanoseconds since the Unix epoch."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        return [None if pd.isna(each) else _nanoseconds(each) for each in column]
    values: list[Value] = column.astype(object).where(column.notna(), None).tolist()
    return [int(value) if isinstance(value, bool) else value for value in values]


def _nanoseconds(moment: pd.Timestamp) -> int:
    return int(moment.as_unit("ns").value)
