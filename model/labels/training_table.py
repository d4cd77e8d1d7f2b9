"""A query at many cut-offs becomes rows of (entity, cut-off, label, split). The only module that writes labels.

A row at cut-off `t` is labelled by `(t, t + horizon]`; everything a model sees for it is at or before `t`.
"""

from collections.abc import Iterator

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.errors import UserError
from model.labels.plan import TrainingPlan as TrainingPlan
from model.labels.plan import suggest_plan as suggest_plan
from model.labels.table import SPLITS as SPLITS
from model.labels.table import Lists as Lists
from model.labels.table import Split as Split
from model.labels.table import TrainingTable as TrainingTable
from model.labels.table import Values, positions
from model.labels.table_file import as_lists, as_values
from model.labels.table_file import read_training_table as read_training_table
from model.labels.table_file import write_training_table as write_training_table
from model.progress import Progress, silent
from model.query.bound import BoundQuery, parent_tables
from model.query.sql import entity_sql, label_sql
from model.tables.database import Database
from model.tables.sources import reading
from model.tables.sql_text import quote

_ROWS_AT_ONCE = 100_000
"""Tables with more rows than this are labelled one cut-off at a time: each statement reads its own window alone."""


def build_training_table(
    database: Database, bound: BoundQuery, plan: TrainingPlan, progress: Progress = silent
) -> TrainingTable:
    """Label every entity that passes the filter at every cut-off of the plan.

    A training table larger than `plan.max_training_rows` is thinned at random; validation and test are kept whole.

    Raises:
        UserError: no rows, one label only, or repeated keys.
    """
    plan.check(bound)
    _refuse_repeated_keys(database, bound)
    _refuse_unfinished_windows(database, bound, plan)
    found = pa.concat_tables(_labelled(database, bound, plan, progress))
    code = plan.split_code(bound, found["cutoff_ns"].to_numpy())
    kept = np.sort(np.concatenate([_thinned(np.flatnonzero(code == i), SPLITS[i], plan) for i in range(len(SPLITS))]))
    table = _table(found.take(pa.array(kept)), np.array(SPLITS)[code[kept]], bound)
    _refuse_useless(table)
    return table


def prediction_rows(database: Database, bound: BoundQuery, cutoff_ns: int) -> Values:
    """Sorted keys of the entities that exist at the cut-off and pass the filter; ASSUMING is taken as given."""
    return _values(_arrow(database, entity_sql(bound, database.graph, cutoff_ns))["entity"])


def _labelled(database: Database, bound: BoundQuery, plan: TrainingPlan, progress: Progress) -> Iterator[pa.Table]:
    """Tables of (entity, cutoff_ns, label), by cut-off."""
    cutoffs_ns = sorted(set(plan.cutoffs_ns(bound)))
    num_rows = sum(database.num_rows(name) for name in {bound.entity_table, *bound.target_tables})
    size = 1 if num_rows > _ROWS_AT_ONCE and not bound.is_static else len(cutoffs_ns)
    progress(0, len(cutoffs_ns))
    for start in range(0, len(cutoffs_ns), size):
        yield _arrow(database, label_sql(bound, database.graph, cutoffs_ns[start : start + size]))
        progress(min(start + size, len(cutoffs_ns)), len(cutoffs_ns))


def _table(found: pa.Table, split: npt.NDArray[np.str_], bound: BoundQuery) -> TrainingTable:
    """The rows with labels of the form that the task has; classes are those of training rows."""
    label, classes, lists = found["label"], None, None
    if bound.task in ("multilabel", "link"):
        lists = as_lists(label)
        numbers = lists.lengths().astype(np.float32)
        if bound.task == "multilabel":
            classes = _distinct(lists.take(np.flatnonzero(split == "train")).values)
    elif bound.task == "multiclass":
        values = _values(label)
        classes = _distinct(values[split == "train"])
        numbers = positions(values, classes).astype(np.float32)
    elif bound.task == "forecast":
        flat = label.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        numbers = flat.astype(np.float32).reshape(len(label), bound.num_timeframes or 1)
    else:
        numbers = label.to_numpy().astype(np.float32)
    return TrainingTable(
        entity_table=bound.entity_table,
        entity=_values(found["entity"]),
        cutoff_ns=found["cutoff_ns"].to_numpy(),
        label=numbers,
        split=split,
        classes=classes,
        lists=lists,
    )


def _distinct(values: Values) -> Values:
    return as_values(np.unique(values))


def _values(column: pa.ChunkedArray) -> Values:
    return as_values(column.to_numpy())


def _arrow(database: Database, sql: str) -> pa.Table:
    try:
        with reading(database.folder), database.connection.cursor() as cursor:
            return cursor.sql(sql).to_arrow_table()
    except duckdb.OutOfRangeException as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"a value of the query is out of range: {reason}", hint="filter such rows out") from error


def _thinned(rows: npt.NDArray[np.int64], name: Split, plan: TrainingPlan) -> npt.NDArray[np.int64]:
    if name != "train" or len(rows) <= plan.max_training_rows:
        return rows
    drawn = np.random.default_rng(plan.seed).choice(rows, plan.max_training_rows, replace=False)
    return np.asarray(drawn, dtype=np.int64)


def _refuse_repeated_keys(database: Database, bound: BoundQuery) -> None:
    """An entity with two rows would be labelled twice, and a parent with two rows would count its children twice."""
    for name in (bound.entity_table, *parent_tables(bound)):
        primary_key = database.graph.table(name).primary_key or ""
        key, table = quote(primary_key), quote(name)
        repeated = database.rows(f"SELECT count({key}) - count(DISTINCT {key}) FROM {table}")[0][0]  # noqa: S608
        if repeated:
            raise UserError(
                f"{repeated} rows of `{name}` repeat a primary key `{primary_key}`",
                hint="keep one row a key; `stillhouse check` lists them",
            )


def _refuse_unfinished_windows(database: Database, bound: BoundQuery, plan: TrainingPlan) -> None:
    if bound.is_static:
        return
    last = database.time_range()[1]
    late = [cutoff for cutoff in (*plan.validation_ns, *plan.test_ns) if cutoff + bound.horizon_ns > last]
    if late:
        raise UserError(
            f"the label window of cut-off {np.datetime64(late[0], 'ns')} ends after the last row of the tables "
            f"({np.datetime64(last, 'ns')})",
            hint="choose an earlier cut-off; what has not happened yet cannot be a label",
        )


def _refuse_useless(table: TrainingTable) -> None:
    for name in SPLITS:
        if not len(table.rows(name)):
            raise UserError(
                f"no {name} row: no entity passes the filter at these cut-offs",
                hint="widen WHERE or ASSUMING, or choose other cut-offs",
            )
    labels = _different_labels(table)
    if len(labels) == 1:
        raise UserError(
            f"every training row has the same label (got {labels[0]})",
            hint="change the condition or the window so that both outcomes occur",
        )


def _different_labels(table: TrainingTable) -> list[str]:
    """The labels, items or classes that training rows have, as text."""
    rows = table.rows("train")
    if table.lists is not None:
        return [str(value) for value in _distinct(table.lists.take(rows).values)]
    if table.classes is not None:
        return [str(value) for value in table.classes]
    return [f"{label:g}" for label in np.unique(table.label[rows])]
