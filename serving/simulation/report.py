"""A plan -> what it is good for: false rollbacks, delay, power, and how it compares with common rules."""

import numpy as np

from model.errors import UserError
from model.progress import Progress, silent
from serving.judge.measures import OutcomeShare, measure_of
from serving.judge.plan import OUTCOMES, Plan
from serving.part import Part
from serving.simulation.reference import Reference, reference
from serving.simulation.rollouts import End, Rollouts, run
from serving.simulation.world import World

HARMFUL_ERROR_RATE = 0.05
TAIL_SHARE = 0.03


class Simulation(Part):
    """The plan's own figures; shares are of rollouts."""

    aa_rollouts: int
    """Of a candidate that does not differ."""
    aa_false_rollbacks: int
    alpha: float
    """What the plan allows that share to be, over all metrics and looks."""
    aa_promoted: float
    aa_overdue: float
    """A step had its longest time without a decision: give it more time, more traffic or a wider margin."""
    aa_errors: float
    """A split that was as asked, taken for wrong."""
    aa_minutes_median: float | None
    """From the first traffic to the promotion; None where fewer than half were promoted."""
    naive_false_rollbacks: float | None
    """The same rollouts, by a z-test at 5 % after each look; None where the plan counts no outcomes."""
    caught_5_percent: float
    """Of candidates that fail 5 %, rolled back before the promotion."""
    caught_5_percent_looks_median: float | None
    """Looks until then; None where fewer than half were caught."""
    tail_power: float
    """Of candidates whose slowest 3 % take four times as long, rolled back before the promotion."""
    tail_looks_median: float | None
    margin_promoted: float | None
    """Of candidates that fail more often by exactly the margin, promoted all the same."""


class Report(Part):
    """What `stillhouse release simulate --json` prints."""

    seed: int
    requests_per_second: float
    error_rate: float
    window_seconds: float
    simulation: Simulation
    reference: Reference


def simulate(
    plan: Plan,
    *,
    requests_per_second: float,
    error_rate: float,
    rollouts: int,
    seed: int,
    progress: Progress = silent,
) -> Report:
    """Try the plan in worlds whose truth is known.

    Args:
        plan: steps and metrics; disagreement of pairs is left out, since it needs a mirror of the traffic.
        requests_per_second: of all versions together.
        error_rate: share of the stable version's requests that fail.
        rollouts: without any difference; of each other kind, a quarter of it.
        seed: the same one gives the same figures.
        progress: told of parts of the work.

    Raises:
        UserError: nothing in the plan can be simulated.
    """
    known = tuple(metric for metric in plan.metrics if metric.name != "disagreement")
    if not known:
        raise UserError("the plan has no metric to simulate (got disagreement alone)", hint="add `failures`")
    plan = plan.model_copy(update={"metrics": known})
    world = World(requests_per_second=requests_per_second, error_rate=error_rate)
    margin = next((metric.limit for metric in known if metric.name in OUTCOMES), None)
    harmful = World(
        requests_per_second=requests_per_second, error_rate=error_rate, candidate_error_rate=HARMFUL_ERROR_RATE
    )
    tail = World(requests_per_second=requests_per_second, error_rate=error_rate, tail_share=TAIL_SHARE)
    fewer = max(rollouts // 4, 100)
    parts = _Parts(progress, total=5)
    same = run(plan, world, rollouts=rollouts, seed=seed, progress=parts.next())
    worse = run(plan, harmful, rollouts=fewer, seed=seed + 1, progress=parts.next())
    slower = run(plan, tail, rollouts=fewer, seed=seed + 2, progress=parts.next())
    part = parts.next()
    at_margin = None
    if margin is not None and error_rate + margin < 1:
        edge = World(
            requests_per_second=requests_per_second, error_rate=error_rate, candidate_error_rate=error_rate + margin
        )
        at_margin = run(plan, edge, rollouts=fewer, seed=seed + 3, progress=part)
    return Report(
        seed=seed,
        requests_per_second=requests_per_second,
        error_rate=error_rate,
        window_seconds=plan.window_seconds,
        simulation=_figures(plan, same, worse, slower, at_margin),
        reference=reference(repetitions=rollouts, seed=seed + 4, progress=parts.next()),
    )


def _figures(plan: Plan, same: Rollouts, worse: Rollouts, slower: Rollouts, at_margin: Rollouts | None) -> Simulation:
    counts_outcomes = any(isinstance(measure_of(metric), OutcomeShare) for metric in plan.metrics)
    promoted_look = _median_look(same, End.PROMOTED)
    return Simulation(
        aa_rollouts=same.num_rollouts,
        aa_false_rollbacks=int((same.end == End.ROLLED_BACK).sum()),
        alpha=plan.alpha,
        aa_promoted=_share(same, End.PROMOTED),
        aa_overdue=_share(same, End.OVERDUE),
        aa_errors=_share(same, End.ERROR),
        aa_minutes_median=None if promoted_look is None else promoted_look * plan.window_seconds / 60,
        naive_false_rollbacks=float(same.naive_alarm.mean()) if counts_outcomes else None,
        caught_5_percent=_share(worse, End.ROLLED_BACK),
        caught_5_percent_looks_median=_median_look(worse, End.ROLLED_BACK),
        tail_power=_share(slower, End.ROLLED_BACK),
        tail_looks_median=_median_look(slower, End.ROLLED_BACK),
        margin_promoted=None if at_margin is None else _share(at_margin, End.PROMOTED),
    )


def _share(rollouts: Rollouts, end: End) -> float:
    return float((rollouts.end == end).mean())


def _median_look(rollouts: Rollouts, end: End) -> float | None:
    """Over all rollouts, those that ended otherwise counted as never."""
    median = float(np.median(np.where(rollouts.end == end, rollouts.end_look, np.inf)))
    return median if np.isfinite(median) else None


class _Parts:
    """One bar over several parts, each a hundredth at a time."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, -1

    def next(self) -> Progress:
        """The progress of the next part."""
        self._done += 1
        begun = self._done

        def tell(done: int, total: int) -> None:
            self._progress(100 * begun + 100 * done // max(total, 1), 100 * self._total)

        return tell
