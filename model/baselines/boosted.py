# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Gradient-boosted trees on the same rows: what any deeper model must beat.

`lightgbm_entity` sees the entity's own columns; `lightgbm_dfs` also windowed aggregates of everything linked to it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from model.baselines.aggregates import link_features
from model.baselines.feature_table import Features, join_features, season_features
from model.baselines.trees import TreeSettings, fit_trees
from model.graph import Column, SemanticType
from model.labels.training_table import TrainingTable
from model.progress import Progress, silent
from model.query.bound import DAY_NS, BoundQuery
from model.tables.database import Database
from model.tables.sql_text import quote

MAX_CATEGORIES = 200
"""Rarer categories of a column share one code."""


def lightgbm_entity(database: Database, table: TrainingTable, bound: BoundQuery) -> npt.NDArray[np.float32]:
    """[rows] scores of a model that sees the entity's own columns alone."""
    return _answers(own_features(database, table, bound), table, bound)


def lightgbm_dfs(
    database: Database, table: TrainingTable, bound: BoundQuery, progress: Progress = silent
) -> npt.NDArray[np.float32]:
    """[rows] scores of a model that sees the entity's columns, the season and windowed aggregates over its links."""
    return _answers(dfs_features(database, table, bound, progress), table, bound)


def _answers(features: Features, table: TrainingTable, bound: BoundQuery) -> npt.NDArray[np.float32]:
    """[rows], or [rows, k] by task, of trees with the default settings."""
    return fit_trees(features, table, bound, TreeSettings()).score(features)


def dfs_features(
    database: Database,
    table: TrainingTable,
    bound: BoundQuery,
    progress: Progress = silent,
    rows: npt.NDArray[np.int64] | None = None,
) -> Features:
    """Everything that `lightgbm_dfs` sees; nothing in it lies after a row's cut-off.

    Args are those of `link_features`.
    """
    parts = [own_features(database, table, bound), season_features(table)]
    for link in database.graph.parents(bound.entity_table):
        parts.append(own_features(database, table, bound, parent=link.parent_table, through=link.child_column))
    return join_features([*parts, link_features(database, table, bound, progress, rows)])


def own_features(
    database: Database, table: TrainingTable, bound: BoundQuery, *, parent: str = "", through: str = ""
) -> Features:
    """Columns of the entity's row, or of the parent that `through` leads to, one feature each.

    Numbers as they are, categories as codes of the training rows, times as days before the cut-off (NaN if later). The
    row's own time becomes its age; of a row younger than the cut-off everything is NaN.
    """
    graph, key = database.graph, quote(bound.entity_key)
    source = graph.table(parent or bound.entity_table)
    hidden = set(bound.hidden_columns)
    columns = [c for c in graph.feature_columns(source.name) if (source.name, c.name) not in hidden]
    if source.time_column is not None:
        columns.append(source.column(source.time_column))
    selected = ", ".join(_column_sql(column, "s" if parent else "e") for column in columns)
    sql = f"SELECT e.{key} AS entity, {selected or '0'} FROM {quote(bound.entity_table)} AS e "
    if parent:
        sql += f"LEFT JOIN {quote(parent)} AS s ON s.{quote(source.primary_key or '')} = e.{quote(through)}"
    with database.connection.cursor() as cursor:
        frame = cursor.execute(sql).df().set_index("entity").reindex(pd.Index(table.entity))
    usable = [(column, frame.iloc[:, position]) for position, column in enumerate(columns) if _is_usable(column)]
    values = [_encoded(column, series, table) for column, series in usable]
    values_RF = np.stack(values, axis=1) if values else np.empty((len(table), 0), np.float32)
    if source.time_column is not None:
        values_RF[np.isnan(values_RF[:, -1])] = np.nan
    return Features(
        names=tuple(f"{source.name}.{column.name}" for column, _ in usable),
        values_RF=values_RF,
        categorical=tuple(
            i for i, (column, _) in enumerate(usable) if column.semantic_type is SemanticType.CATEGORICAL
        ),
    )


def _is_usable(column: Column) -> bool:
    return column.semantic_type in (SemanticType.NUMERICAL, SemanticType.CATEGORICAL, SemanticType.TIMESTAMP)


def _column_sql(column: Column, alias: str) -> str:
    name = f"{alias}.{quote(column.name)}"
    if column.semantic_type is SemanticType.TIMESTAMP:
        return f"epoch({name}) / 86400.0"
    return f"CAST({name} AS {'DOUBLE' if column.semantic_type is SemanticType.NUMERICAL else 'VARCHAR'})"


def _encoded(column: Column, series: "pd.Series[Any]", table: TrainingTable) -> npt.NDArray[np.float32]:
    if column.semantic_type is SemanticType.TIMESTAMP:
        age = table.cutoff_ns / DAY_NS - np.asarray(series, np.float64)
        return np.where(age >= 0, age, np.nan).astype(np.float32)
    if column.semantic_type is SemanticType.NUMERICAL:
        return np.asarray(series, np.float32)
    known = series.iloc[table.rows("train")].value_counts().index[:MAX_CATEGORIES]
    codes = pd.Index(known).get_indexer(pd.Index(series))
    return np.where(codes < 0, np.nan, codes).astype(np.float32)
