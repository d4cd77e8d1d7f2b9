# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Which cut-offs train, validate and test: stated by the user, or derived from the times of the tables."""

import time
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from model.errors import UserError
from model.labels.table import SPLITS
from model.query.bound import DAY_NS, BoundQuery
from model.query.sql import label_sql
from model.query.syntax import aggregates
from model.tables.database import Database
from model.tables.sql_text import quote

MAX_TRAINING_ROWS = 1_000_000
ENOUGH_ROWS = 50_000
"""Cut-offs lie closer than a horizon apart, down to a quarter of it, only where there would be fewer training rows:
labels whose windows overlap say much the same."""
ENOUGH_TO_JUDGE = 1000
"""Validation and test get as many windows as this many rows need, within `_MOST_TO_JUDGE` of the history each."""
_MOST_TO_JUDGE = 0.15
_SAMPLED_CUTOFFS = 3
_CANDIDATES_A_ROW = 20
"""Cut-offs are stepped back until entities x cut-offs is this many times the rows wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """Cut-offs of the three splits, nanoseconds since the Unix epoch, each sorted.

    For a static target (a column of the entity's own row) rows are split by their own time: `[.., validation)` trains,
    `[validation, test)` validates, `[test, ..)` tests; without a time column they are split at random.
    """

    training_ns: tuple[int, ...]
    """Empty for static targets."""
    validation_ns: tuple[int, ...]
    test_ns: tuple[int, ...]
    max_training_rows: int = MAX_TRAINING_ROWS
    """More training rows than this are thinned at random."""
    seed: int = 0
    reasons: tuple[str, ...] = ()
    """Why these cut-offs, in sentences to print."""

    def __post_init__(self) -> None:
        if self.max_training_rows < 1:
            raise UserError(f"`max_training_rows` must be at least 1 (got {self.max_training_rows})")
        if not self.validation_ns or not self.test_ns:
            raise UserError("a training plan needs a validation and a test cut-off")

    def check(self, bound: BoundQuery) -> None:
        """Refuse label windows that reach past the first cut-off of the next split.

        Raises:
            UserError: naming the two cut-offs.
        """
        if bound.is_static:
            return
        if not self.training_ns:
            raise UserError("the training plan has no training cut-off", hint="choose later validation cut-offs")
        for before, after, name in (
            (self.training_ns, self.validation_ns, "validation"),
            (self.validation_ns, self.test_ns, "test"),
        ):
            if max(before) + bound.horizon_ns > min(after):
                raise UserError(
                    f"the label window of cut-off {_date(max(before))} ends after the first {name} cut-off "
                    f"{_date(min(after))}",
                    hint=f"keep at least {bound.horizon_ns / DAY_NS:g} days between them",
                )

    def cutoffs_ns(self, bound: BoundQuery) -> tuple[int, ...]:
        """All cut-offs to label; for a static target the moment that stands in where rows have no time."""
        if bound.is_static:
            return (max(self.test_ns),)
        return (*self.training_ns, *self.validation_ns, *self.test_ns)

    def split(self, bound: BoundQuery, cutoff_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
        """[rows] the split of every row."""
        return np.array(SPLITS)[self.split_code(bound, cutoff_ns)]

    def split_code(self, bound: BoundQuery, cutoff_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        """[rows] the position of the split of every row in `SPLITS`."""
        if not bound.is_static:
            last, before = np.isin(cutoff_ns, self.test_ns), np.isin(cutoff_ns, self.validation_ns)
        elif bound.time_column is not None:
            last, before = cutoff_ns >= min(self.test_ns), cutoff_ns >= min(self.validation_ns)
        else:
            rank = np.random.default_rng(self.seed).permutation(len(cutoff_ns)) / max(len(cutoff_ns), 1)
            last, before = rank < 0.1, rank < 0.2
        return np.select([last, before], [np.int8(2), np.int8(1)], np.int8(0)).astype(np.int8)


def suggest_plan(
    database: Database,
    bound: BoundQuery,
    *,
    validation: tuple[int, ...] | None = None,
    test: tuple[int, ...] | None = None,
    first: int | None = None,
    step_days: float | None = None,
    max_training_rows: int = MAX_TRAINING_ROWS,
    seed: int = 0,
) -> TrainingPlan:
    """Choose what the user leaves open.

    Args:
        database: the tables.
        bound: the query.
        validation: cut-offs, ns; default: one horizon before the first test cut-off; more where rows are few.
        test: cut-offs, ns; default: one horizon before the last row; more before it where rows are few.
        first: no training cut-off before this, ns; default: one look-back (or horizon) after the first row.
        step_days: days between training cut-offs; default: the horizon, or a half or quarter of it for few rows.
        max_training_rows: see `TrainingPlan`.
        seed: of the thinning and of random splits.

    Raises:
        UserError: the tables are too short for the query.
    """
    if bound.is_static:
        return _static_plan(database, bound, validation, test, max_training_rows, seed)
    if step_days is not None and step_days <= 0:
        raise UserError(f"`step_days` must be above 0 (got {step_days})")
    start, end = _label_time_range(database, bound)
    horizon = bound.horizon_ns
    reasons = []
    margin = bound.look_back_ns or horizon
    earliest = start + margin if first is None else first
    if test is None:
        begin = earliest if validation is None else max(validation) + horizon
        test = _windows(database, bound, end - horizon, begin, end - earliest)
        reasons.append(
            f"test at {_cutoffs(test)}: one horizon ({_days(horizon)}) before the last row at {_date(end)}{_back(test)}"
        )
    if validation is None:
        validation = _windows(database, bound, min(test) - horizon, earliest, end - earliest)
        reasons.append(
            f"validation at {_cutoffs(validation)}: one horizon before the first test cut-off{_back(validation)}"
        )
    latest = min(validation) - horizon
    if step_days is None:
        step, about = _step(database, bound, earliest, latest)
    else:
        step, about = int(step_days * DAY_NS), ""
    training = range(latest, earliest - 1, -step)
    if not training:
        raise UserError(
            f"the tables are too short for this query: rows of {', '.join(bound.target_tables)} run from "
            f"{_date(start)} to {_date(end)}, and the last training cut-off would be {_date(latest)}",
            hint="shorten the window, or give `test`, `validation` and `first`",
        )
    most = max(8, _CANDIDATES_A_ROW * max_training_rows // max(database.num_rows(bound.entity_table), 1))
    kept = tuple(sorted(training[:most]))
    reasons.append(
        f"{len(kept)} training cut-offs from {_date(kept[0])} to {_date(kept[-1])}, every {_days(step)}: the last "
        f"label window ends at the first validation cut-off{about}"
    )
    if len(kept) < len(training):
        reasons.append(f"{len(training) - len(kept)} older cut-offs left out: enough rows without them")
    return TrainingPlan(
        training_ns=kept,
        validation_ns=tuple(sorted(validation)),
        test_ns=tuple(sorted(test)),
        max_training_rows=max_training_rows,
        seed=seed,
        reasons=tuple(reasons),
    )


def _windows(database: Database, bound: BoundQuery, last: int, begin: int, span: int) -> tuple[int, ...]:
    """Cut-offs a horizon apart, ending at `last`: one, or as many as `ENOUGH_TO_JUDGE` rows need."""
    rows_each = max(_num_rows(database, bound, (last,)), 1)
    most = min(int(span * _MOST_TO_JUDGE) // bound.horizon_ns, (last - begin) // bound.horizon_ns + 1)
    count = max(1, min(-(-ENOUGH_TO_JUDGE // rows_each), most))
    return tuple(last - bound.horizon_ns * back for back in reversed(range(count)))


def _cutoffs(cutoffs_ns: tuple[int, ...]) -> str:
    if len(cutoffs_ns) == 1:
        return _date(cutoffs_ns[0])
    return f"{len(cutoffs_ns)} cut-offs from {_date(cutoffs_ns[0])} to {_date(cutoffs_ns[-1])}"


def _back(cutoffs_ns: tuple[int, ...]) -> str:
    if len(cutoffs_ns) == 1:
        return ""
    return f", and back from there, since one cut-off has less than {ENOUGH_TO_JUDGE:,} rows"


def _step(database: Database, bound: BoundQuery, earliest: int, latest: int) -> tuple[int, str]:
    """(ns between training cut-offs, why): as far apart as a horizon where that makes enough rows, else closer."""
    apart = range(latest, earliest - 1, -bound.horizon_ns)
    sampled = sorted({apart[len(apart) * i // _SAMPLED_CUTOFFS] for i in range(_SAMPLED_CUTOFFS)}) if apart else []
    rows_each = _num_rows(database, bound, tuple(sampled)) / max(len(sampled), 1)
    for parts in (1, 2, 4):
        step = max(DAY_NS, bound.horizon_ns // parts)
        rows = round(rows_each * len(range(latest, earliest - 1, -step)))
        if rows >= ENOUGH_ROWS or step == DAY_NS:
            break
    return step, f"; about {rows:,} rows, and closer cut-offs are only worth it below {ENOUGH_ROWS:,}"


def _num_rows(database: Database, bound: BoundQuery, cutoffs_ns: tuple[int, ...]) -> int:
    """Labelled rows at some cut-offs; 0 where a value is out of range, which labelling will name."""
    if not cutoffs_ns:
        return 0
    try:
        found = database.rows(f"SELECT count(*) FROM ({label_sql(bound, database.graph, cutoffs_ns)})")
    except duckdb.OutOfRangeException:
        return 0
    return int(found[0][0])


def _static_plan(
    database: Database,
    bound: BoundQuery,
    validation: tuple[int, ...] | None,
    test: tuple[int, ...] | None,
    max_training_rows: int,
    seed: int,
) -> TrainingPlan:
    """Split rows by their own time: the last tenth tests, the tenth before it validates."""
    if bound.time_column is None:
        now = test or (database.time_range()[1],)
        reasons = (f"rows of `{bound.entity_table}` have no time: a random tenth each tests and validates",)
        validation = test = now
    else:
        time = quote(bound.time_column)
        query = (
            f"SELECT epoch_ns(quantile_disc({time}, [0.8, 0.9])[i]) FROM {quote(bound.entity_table)}, range(1, 3) r(i) "
        )
        found = database.rows(query + "GROUP BY i ORDER BY i")
        if not found or found[0][0] is None:
            raise UserError(f"`{bound.entity_table}.{bound.time_column}` has no value")
        validation = validation or (int(found[0][0]),)
        test = test or (int(found[1][0]),)
        reasons = (
            f"rows split by their own time: validation from {_date(min(validation))}, test from {_date(min(test))}",
        )
    return TrainingPlan(
        training_ns=(),
        validation_ns=validation,
        test_ns=test,
        max_training_rows=max_training_rows,
        seed=seed,
        reasons=reasons,
    )


def _label_time_range(database: Database, bound: BoundQuery) -> tuple[int, int]:
    """First and last time, ns, of the rows that labels are made of; rows that are dated later than now do not count."""
    names = {a.column.table for a in aggregates(bound.target)}
    timed = [(name, database.graph.table(name).time_column) for name in sorted(names)]
    pieces = [f"SELECT {quote(time)} AS t FROM {quote(name)}" for name, time in timed if time is not None]
    union = " UNION ALL ".join(pieces)
    past = f"t <= make_timestamp({time.time_ns() // 1000})"
    start, end = database.rows(f"SELECT epoch_ns(min(t)), epoch_ns(max(t)) FROM ({union}) WHERE {past}")[0]
    if start is None or end is None:
        raise UserError(f"{', '.join(names)} has no row with a time", hint="there is nothing to learn from")
    return int(start), int(end)


def _date(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[m]")).replace("T", " ")


def _days(duration_ns: int) -> str:
    return f"{duration_ns / DAY_NS:g} days"
