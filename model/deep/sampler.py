"""(entity row, time) -> its neighbourhood as of that time: last children, their parents, and temporal degrees.

A `Plan` walks the links away from the entity table once; `Sampler` follows it for a whole batch with binary searches in
the time-sorted adjacency. Nothing later than the seed's time is ever read; a row at exactly that time is in the past.
Legend: B seeds, M tokens of one step, D degrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from model.deep.temporal_search import (
    DEGREE_WINDOWS_DAYS,
    NUM_DEGREES,
    add_degrees,
    add_gaps,
    child_ranges,
    days_between,
    last_children,
    times_of,
    visible_parents,
)
from model.errors import UserError
from model.graph import Graph, Link
from model.served.features import NS_PER_DAY
from model.store.store import ALWAYS, GraphStore

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

NUM_GAPS = 2
"""Of a child: log-days to the next newer one of the same parent (the newest: to the seed's time); 1 where that is 0."""
_WINDOWS_NS = np.array(DEGREE_WINDOWS_DAYS, dtype=np.int64) * NS_PER_DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerSettings:
    """How far and how wide."""

    fanouts: tuple[int, ...] = (32, 32)
    """Newest children of each token by hop; parents are always followed. Its length is the number of hops."""
    max_step_width: int = 64
    """A hop takes fewer children of each token (but one) where a step would grow beyond this many tokens."""
    summaries: bool = False
    """Tell each token what its own children were like lately, sampled or not (`summaries.py`): for strength that flows
    through others; on shops it let the network learn the cut-offs by heart."""

    def __post_init__(self) -> None:
        if not self.fanouts or min(self.fanouts) < 0:
            raise UserError(f"`fanouts` needs one number, 0 or more, for each hop (got {self.fanouts})")
        if self.max_step_width < 1:
            raise UserError(f"`max_step_width` must be at least 1 (got {self.max_step_width})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One link followed from the tokens of an earlier step."""

    table: str
    """Table of the rows that this step finds."""
    hop: int
    source: int
    """Position of the step that it starts from; -1 for the seed itself."""
    link: Link | None
    towards: Literal["seed", "children", "parents"]
    fanout: int
    """Most tokens for each token of the source."""
    width: int
    """Most tokens for each seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTokens:
    """What one step found for a batch; the tokens of source token `i` are [i * fanout, (i + 1) * fanout)."""

    rows_BM: Int32  # noqa: N815
    """Row of the step's table; -1 is padding."""
    age_days_BM: Float32  # noqa: N815
    """Days from the row's time to the seed's; NaN for rows that have always existed and for padding."""
    numbers_BMD: Float32  # noqa: N815
    """What surrounds the row, `num_numbers` of the step; 0 for padding."""
    fanout: int
    """As wide as the batch needs, at most the plan's, at least 1."""


def plan_steps(graph: Graph, entity_table: str, settings: SamplerSettings) -> tuple[Step, ...]:
    """The steps from `entity_table`, nearest first; no step goes straight back over the link that it came from."""
    seed = Step(table=entity_table, hop=0, source=-1, link=None, towards="seed", fanout=1, width=1)
    steps, start = [seed], 0
    for hop, fanout in enumerate(settings.fanouts, start=1):
        end = len(steps)
        for source in range(start, end):
            steps.extend(_next_steps(graph, steps[source], source, hop, fanout, settings.max_step_width))
        start = end
    return tuple(steps)


def _next_steps(graph: Graph, source: Step, position: int, hop: int, fanout: int, max_width: int) -> list[Step]:
    steps = []
    for link in graph.parents(source.table):
        if not (source.towards == "children" and link == source.link):
            steps.append(
                Step(
                    table=link.parent_table,
                    hop=hop,
                    source=position,
                    link=link,
                    towards="parents",
                    fanout=1,
                    width=source.width,
                )
            )
    taken = min(fanout, max(max_width // source.width, 1))
    for link in graph.children(source.table) if taken else ():
        steps.append(
            Step(
                table=link.child_table,
                hop=hop,
                source=position,
                link=link,
                towards="children",
                fanout=taken,
                width=source.width * taken,
            )
        )
    return steps


def num_numbers(graph: Graph, steps: tuple[Step, ...], position: int) -> int:
    """D of a step: degrees as of the seed's time; of a child its gaps; of its parent the degrees back then too."""
    step = steps[position]
    num_degrees = NUM_DEGREES * len(graph.children(step.table))
    if step.towards == "children":
        return num_degrees + NUM_GAPS
    return 2 * num_degrees if has_then(steps, step) else num_degrees


def has_then(steps: Sequence[Step], step: Step) -> bool:
    """Whether it is the parent of children: it is described as of the child's time too."""
    return step.towards == "parents" and steps[step.source].towards == "children"


class Sampler:
    """Samples neighbourhoods of one entity table; holds no state between calls, so threads may share it."""

    def __init__(self, store: GraphStore, entity_table: str, settings: SamplerSettings) -> None:
        self.store = store
        self.steps = plan_steps(store.graph, entity_table, settings)

    def sample(self, rows_B: Int64, times_B: Int64) -> tuple[StepTokens, ...]:
        """The tokens of every step for seeds at `times_B` (nanoseconds).

        The seed's own row is always there, even where it is later than its time: the question names it.
        """
        found: list[StepTokens] = []
        for position, step in enumerate(self.steps):
            source_BM = found[step.source].rows_BM if step.source >= 0 else None
            rows_BM, fanout = self._find(step, source_BM, rows_B, times_B)
            ages_BM = _ages(rows_BM, self.store.row_times(step.table), times_B)
            numbers_BMD = np.zeros((*rows_BM.shape, num_numbers(self.store.graph, self.steps, position)), np.float32)
            now_BM = np.broadcast_to(times_B[:, None], rows_BM.shape)
            place = self._add_degrees(step.table, rows_BM, now_BM, numbers_BMD, 0)
            if step.towards == "children":
                add_gaps(ages_BM, fanout, numbers_BMD, place)
            elif has_then(self.steps, step):
                assert source_BM is not None
                then_BM = self.times(self.steps[step.source].table, source_BM)
                self._add_degrees(step.table, rows_BM, then_BM, numbers_BMD, place)
            found.append(StepTokens(rows_BM=rows_BM, age_days_BM=ages_BM, numbers_BMD=numbers_BMD, fanout=fanout))
        return tuple(found)

    def _find(self, step: Step, source_BM: Int32 | None, rows_B: Int64, times_B: Int64) -> tuple[Int32, int]:
        """(rows, fanout) of one step."""
        if step.link is None or source_BM is None:
            return rows_B.astype(np.int32)[:, None], 1
        if step.towards == "parents":
            return self._parents(step.link, source_BM, times_B), 1
        return self._children(step.link, source_BM, times_B, step.fanout)

    def _parents(self, link: Link, rows_BM: Int32, times_B: Int64) -> Int32:
        times = self.store.row_times(link.parent_table)
        parents_BM: Int32 = visible_parents(self.store.parent_rows(link), times, rows_BM, times_B)
        return parents_BM

    def _children(self, link: Link, rows_BM: Int32, times_B: Int64, fanout: int) -> tuple[Int32, int]:
        near = self.store.children(link)
        end_BM, count_BM = child_ranges(near.indptr, near.child_times, rows_BM, times_B)
        fanout = max(1, min(fanout, int(count_BM.max(initial=0))))
        children_BM: Int32 = last_children(near.child_rows, end_BM, count_BM, fanout)
        return children_BM, fanout

    def times(self, table: str, rows_BM: Int32) -> Int64:
        """Times of the rows of a table; ALWAYS for padding."""
        times = self.store.row_times(table)
        if len(times) == 0:
            return np.full(rows_BM.shape, ALWAYS, dtype=np.int64)
        times_BM: Int64 = times_of(rows_BM, times)
        return times_BM

    def _add_degrees(self, table: str, rows_BM: Int32, times_BM: Int64, numbers_BMD: Float32, place: int) -> int:
        """Fill NUM_DEGREES columns of each child link from `place` on; the first column that is still free."""
        for link in self.store.graph.children(table):
            near = self.store.children(link)
            add_degrees(
                near.indptr, near.child_times, near.child_moments, rows_BM, times_BM, _WINDOWS_NS,
                numbers_BMD, place,
            )  # fmt: skip
            place += NUM_DEGREES
        return place


def history_sizes(store: GraphStore, entity_table: str, rows_B: Int64, times_B: Int64) -> Int64:
    """[B] number of children of all links at or before the time: how long a seed's neighbourhood will be."""
    total_B = np.zeros(len(rows_B), dtype=np.int64)
    for link in store.graph.children(entity_table):
        near = store.children(link)
        _, count_BM = child_ranges(near.indptr, near.child_times, rows_B.astype(np.int32)[:, None], times_B)
        total_B += count_BM[:, 0]
    return total_B


def _ages(rows_BM: Int32, row_times: Int64, times_B: Int64) -> Float32:
    if len(row_times) == 0:
        return np.full(rows_BM.shape, np.nan, dtype=np.float32)
    ages_BM: Float32 = days_between(rows_BM, row_times, times_B)
    return ages_BM
