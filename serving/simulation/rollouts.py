"""A plan and a world -> how thousands of rollouts end, look by look, all at once."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from model.progress import Progress, silent
from serving.judge.betting import Counts, Floats, log_odds_ratios, log_wealth, log_wealth_of_steps, one_sample_log_bets
from serving.judge.betting import settle as settle_window
from serving.judge.margins import look_share
from serving.judge.measures import Disagreement, Measure, OutcomeShare, measure_of
from serving.judge.plan import UNBALANCING, Plan
from serving.simulation.naive import pooled_z_exceeds
from serving.simulation.world import LATENCY_BOUNDS_MS, World, draw

Bools = npt.NDArray[np.bool_]


class End(IntEnum):
    """How a rollout ended."""

    RUNNING = 0
    PROMOTED = 1
    ROLLED_BACK = 2
    HELD = 3
    """By harm that a person decides on."""
    OVERDUE = 4
    """A step lasted as long as it may without a decision."""
    ERROR = 5
    """The split was taken for another than the one that was asked for."""


@dataclass(kw_only=True, slots=True)
class _Book:
    """What is remembered of one measure."""

    measure: Measure
    chances: Floats
    carried: Counts
    wealth: Floats
    """[rollouts, steps, bets]"""
    highest: Floats
    """[rollouts] logarithm of the highest e-value so far."""
    rollout: Counts
    step: Counts
    """[rollouts, 2, bins] counts of the whole rollout, and of its present step."""


@dataclass(kw_only=True, slots=True)
class Rollouts:
    """Many rollouts of one plan, side by side; they differ in what was drawn for them alone."""

    plan: Plan
    world: World
    num_rollouts: int
    at: Counts = field(init=False)
    """[rollouts] position of the present step."""
    windows: Counts = field(init=False)
    """[rollouts] that the present step has had."""
    looks: Counts = field(init=False)
    """[rollouts] at which the present step could have ended."""
    end: Counts = field(init=False)
    """[rollouts] an `End`."""
    end_look: Counts = field(init=False)
    """[rollouts] the look, counted from 1, at which it ended."""
    advances: Counts = field(init=False)
    """[rollouts] steps that were left for the next, or for promotion."""
    naive_alarm: Bools = field(init=False)
    """[rollouts] whether a z-test at 5 % of each look's counts would have condemned the candidate by now."""
    look: int = 0
    _requests: Counts = field(init=False)
    _split: Floats = field(init=False)
    _books: list[_Book] = field(init=False)

    def __post_init__(self) -> None:
        size = self.num_rollouts
        for name in ("at", "windows", "looks", "end", "end_look", "advances"):
            setattr(self, name, np.zeros(size, dtype=np.int64))
        self.naive_alarm = np.zeros(size, dtype=np.bool_)
        self._requests = np.zeros((size, 2), dtype=np.int64)
        self._split = np.zeros((size, len(log_odds_ratios("both"))))
        measures = [measure_of(metric, LATENCY_BOUNDS_MS) for metric in self.plan.metrics]
        self._books = [self._book(measure) for measure in measures if not isinstance(measure, Disagreement)]

    def _book(self, measure: Measure) -> _Book:
        chances = self.world.chances(measure)
        none = np.zeros((self.num_rollouts, *chances.shape), dtype=np.int64)
        bets = measure.log_bets(none[0]).shape[-1]
        wealth = np.zeros((self.num_rollouts, len(self.plan.steps), bets))
        highest = np.zeros(self.num_rollouts)
        return _Book(
            measure=measure,
            chances=chances,
            carried=none,
            wealth=wealth,
            highest=highest,
            rollout=none.copy(),
            step=none.copy(),
        )

    @property
    def running(self) -> Counts:
        """Positions of those that have not ended."""
        return np.flatnonzero(self.end == End.RUNNING)

    @property
    def weights(self) -> Floats:
        """[rollouts] share of the requests that the candidate is to get, 0 to 1."""
        steps = np.array([step.weight for step in self.plan.steps]) / 100
        return np.asarray(steps[np.minimum(self.at, len(steps) - 1)], dtype=np.float64)

    def draw(self, random: np.random.Generator) -> tuple[Counts, list[Counts]]:
        """A window of the running ones: ([running, 2] requests, [running, 2, bins] for each measure)."""
        running = self.running
        everyone = random.poisson(self.world.requests_per_second * self.plan.window_seconds, size=len(running))
        candidate = random.binomial(everyone, self.weights[running])
        requests = np.stack([everyone - candidate, candidate], axis=-1).astype(np.int64)
        # Metrics of a kind count the same requests, as two quantiles of one histogram do.
        kinds = {type(book.measure): book.chances for book in self._books}
        drawn = {kind: draw(random, requests, chances) for kind, chances in kinds.items()}
        return requests, [drawn[type(book.measure)] for book in self._books]

    def judge(self, requests: Counts, drawn: list[Counts]) -> None:
        """Look at the window that was drawn, and let the rollouts go on, advance or end."""
        running = self.running
        self.look += 1
        self.windows[running] += 1
        self._requests[running] += requests
        for book, counts in zip(self._books, drawn, strict=True):
            self._count(book, running, counts)
        split = self._mismatched(running, requests)
        harmful = {book.measure.metric.name: self._harmful(book, running) for book in self._books}
        rolled_back, held, failing = (np.zeros(len(running), dtype=np.bool_) for _ in range(3))
        for metric in self.plan.metrics:
            harm = harmful.get(metric.name)
            if harm is None:
                continue
            (rolled_back if metric.harm_means == "rollback" else held)[harm] = True
            if metric.name in UNBALANCING and metric.harm_means == "rollback":
                failing |= harm
        advanced = self._may_advance(running) & ~(rolled_back | held | split)
        self._move(running[advanced])
        minutes = self.windows * self.plan.window_seconds / 60
        overdue = (
            minutes[running] >= np.array([step.max_minutes for step in self.plan.steps])[self.at[running] - advanced]
        )
        self._finish(running[overdue & ~advanced], End.OVERDUE)
        self._finish(running[held], End.HELD)
        self._finish(running[rolled_back], End.ROLLED_BACK)
        self._finish(running[split & ~failing], End.ERROR)

    def _count(self, book: _Book, running: Counts, counts: Counts) -> None:
        block, book.carried[running] = settle_window(book.carried[running], counts)
        begun = np.arange(len(self.plan.steps)) <= self.at[running][:, None]
        book.wealth[running] += book.measure.log_bets(block)[:, None, :] * begun[..., None]
        wealth = log_wealth_of_steps(book.wealth[running], self.at[running] + 1)
        book.highest[running] = np.maximum(book.highest[running], wealth)
        book.rollout[running] += counts
        book.step[running] += counts
        if isinstance(book.measure, OutcomeShare):
            now = book.step[running]
            self.naive_alarm[running] |= pooled_z_exceeds(now[..., 1], now.sum(-1), 0.05)

    def _mismatched(self, running: Counts, requests: Counts) -> Bools:
        bets = one_sample_log_bets(requests[:, 1], requests.sum(-1), self.weights[running], "both")
        self._split[running] += bets
        wealth = log_wealth(self._split[running])
        return np.asarray((wealth >= np.log(1 / self.plan.split_alpha)) & (self._requests[running, 1] > 0))

    def _harmful(self, book: _Book, running: Counts) -> Bools:
        metric = book.measure.metric
        proven = book.highest[running] >= np.log(1 / metric.alpha)
        enough = self._requests[running].min(-1) >= self._min_samples(running)
        beyond = book.measure.worse_by(book.rollout[running]) > metric.limit
        beyond |= enough & (book.measure.worse_by(book.step[running]) > metric.limit)
        return np.asarray(proven & beyond)

    def _min_samples(self, running: Counts) -> Counts:
        return np.array([step.min_samples for step in self.plan.steps])[self.at[running]]

    def _may_advance(self, running: Counts) -> Bools:
        minutes = self.windows[running] * self.plan.window_seconds / 60
        late = minutes >= np.array([step.min_minutes for step in self.plan.steps])[self.at[running]]
        eligible = late & (self._requests[running].min(-1) >= self._min_samples(running))
        self.looks[running] += eligible
        chosen = running[eligible]
        share = look_share(self.looks[chosen])
        passes = np.ones(len(chosen), dtype=np.bool_)
        for book in self._books:
            passes &= book.measure.worse_by_margin_p(book.step[chosen]) <= book.measure.metric.alpha * share
        eligible[eligible] = passes
        return np.asarray(eligible, dtype=np.bool_)

    def _move(self, advanced: Counts) -> None:
        self.at[advanced] += 1
        self.advances[advanced] += 1
        self.windows[advanced] = self.looks[advanced] = 0
        self._requests[advanced] = 0
        for book in self._books:
            book.step[advanced] = book.carried[advanced] = 0
        self._finish(advanced[self.at[advanced] == len(self.plan.steps)], End.PROMOTED)

    def _finish(self, which: Counts, end: End) -> None:
        self.end[which] = end
        self.end_look[which] = self.look


def run(plan: Plan, world: World, *, rollouts: int, seed: int, progress: Progress = silent) -> Rollouts:
    """Draw and judge until every rollout has ended; a step that lasts too long ends one."""
    random = np.random.default_rng(seed)
    state = Rollouts(plan=plan, world=world, num_rollouts=rollouts)
    while len(state.running):
        state.judge(*state.draw(random))
        progress(rollouts - len(state.running), rollouts)
    return state
