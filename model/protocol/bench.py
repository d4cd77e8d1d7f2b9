"""What all models of a protocol share: labelled rows, and the tables as each regime shows them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.checkpoint import fingerprint
from model.errors import UserError
from model.labels.training_table import TrainingTable, build_training_table
from model.progress import Progress, silent
from model.protocol.cutoffs import plan_cutoffs
from model.protocol.protocol import Protocol, Regime
from model.protocol.tables import freeze_tables, prepare_tables
from model.query import BoundQuery, bind_query, parse_query
from model.store.store import GraphStore, build_store, open_store
from model.tables.database import Database, open_database

METRICS = {"binary": "auroc", "regression": "mae", "link": "map"}
"""Task -> what its models are judged by; `mae` alone is better when lower."""


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
        """See METRICS."""
        return METRICS[self.bound.task]

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
        if bound.task not in METRICS:
            raise UserError(
                f"a protocol judges {', '.join(METRICS)} tasks (got {bound.task})", hint="ask for one class or number"
            )
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
