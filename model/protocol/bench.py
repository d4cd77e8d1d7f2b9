"""What all models of a protocol share: labelled rows, and the tables as each regime shows them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.checkpoint import fingerprint
from model.labels.training_table import TrainingTable, build_training_table
from model.progress import Progress, silent
from model.protocol.cutoffs import plan_cutoffs
from model.protocol.protocol import Protocol, Regime
from model.protocol.tables import freeze_tables, prepare_tables
from model.quality import main_metric
from model.query import BoundQuery, bind_query, parse_query
from model.store.store import GraphStore, build_store, open_store
from model.tables.database import Database, open_database
from model.task import task_head


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """The tables as one regime shows them to the test rows."""

    database: Database
    store: GraphStore


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Rows and tables; open as long as the `with` block of `open_bench`."""

    protocol: Protocol
    bound: BoundQuery
    table: TrainingTable
    views: Mapping[Regime, View]
    folder: Path
    """Where models and scores are kept."""

    @cached_property
    def test(self) -> npt.NDArray[np.int64]:
        """Positions of the test rows."""
        return self.table.rows("test")

    @property
    def metric(self) -> str:
        """What models are compared by: the task's main one (`model.quality`), or `map`."""
        return "map" if self.bound.task == "link" else main_metric(self.bound.task)[0]

    @cached_property
    def label(self) -> npt.NDArray[np.float64]:
        """[test rows], or [test rows, K] by task, of what the metric compares scores with."""
        if self.bound.task == "link":
            return self.table.label[self.test].astype(np.float64)
        return task_head(self.bound.task, self.table).label(self.table, self.test).astype(np.float64)

    @cached_property
    def digest(self) -> str:
        """Of the rows and of what the models may see."""
        graphs = {regime: view.store.artifact.digest for regime, view in self.views.items()}
        return fingerprint({"table": self.table, "graphs": graphs, "hidden": self.bound.hidden_columns})


@contextmanager
def open_bench(protocol: Protocol, tables: Path | None, folder: Path, progress: Progress = silent) -> Iterator[Bench]:
    """Prepare the tables below `folder`, and label the rows.

    Raises:
        UserError: tables, query and times that do not fit each other.
    """
    with ExitStack() as stack:
        source = prepare_tables(protocol, tables, folder / "tables", progress)
        database = stack.enter_context(open_database(source.path))
        bound = bind_query(parse_query(protocol.query), database.graph)
        plan = plan_cutoffs(protocol, bound, *database.time_range())
        table = build_training_table(database, bound, plan, progress)
        views: dict[Regime, View] = {"rolling": _view(database, folder / "graph", progress)}
        if "frozen" in protocol.regimes and len(plan.test_ns) > 1:
            at_ns = min(plan.test_ns)
            frozen = freeze_tables(database, at_ns, bound.entity_table, folder / "frozen_tables")
            snapshot = stack.enter_context(open_database(frozen.path))
            views["frozen"] = _view(snapshot, folder / "frozen_graph", progress)
        yield Bench(protocol=protocol, bound=bound, table=table, views=views, folder=folder)


def _view(database: Database, path: Path, progress: Progress) -> View:
    """The store is built each time: the same tables give the same digest, by which scores are found again."""
    return View(database=database, store=open_store(build_store(database, path, progress).path))
