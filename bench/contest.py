"""Contestants, one after the other, round after round -> the rate of each, and ratios within rounds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.agreement import check_answers
from bench.contestants import ENDPOINT, LIMIT, Contestant, stand
from bench.material import Material
from bench.report import Endpoint, Held, Rate
from bench.settings import BenchSettings
from bench.step import WARM_UP_S, Step, step_of
from bench.sweep import Knee, find_knee, words

Say = Callable[[str], None]
_BELOW = 0.8
"""A later round's search begins there, of the last round's rate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One contestant in one round."""

    knee: Knee
    constant: Step | None
    """With evenly spaced arrivals at the knee; of the endpoint alone."""


def contest(
    contestants: Sequence[Contestant],
    material: Material,
    settings: BenchSettings,
    say: Say,
    on_turn: Callable[[Mapping[str, Sequence[Turn]]], None],
) -> dict[str, list[Turn]]:
    """Measure all, each once a round; `on_turn` is given everything so far after each turn."""
    turns: dict[str, list[Turn]] = {contestant.name: [] for contestant in contestants}
    for number in range(settings.rounds):
        for contestant in contestants:
            before = turns[contestant.name]
            say(f"round {number + 1}, {contestant.name}")
            before.append(_turn(contestant, material, settings, before[-1] if before else None, number, say))
            on_turn({name: done for name, done in turns.items() if done})
    return turns


def _turn(
    contestant: Contestant, material: Material, settings: BenchSettings, before: Turn | None, number: int, say: Say
) -> Turn:
    with stand(contestant, material, settings) as running:
        aim = running.aim
        if contestant.name != LIMIT:
            largest = check_answers(contestant.name, aim, contestant.expected(material))
            say(f"  answers differ by {largest:.1e} at most")
        start = _BELOW * before.knee.rate if before and before.knee.rate else None
        knee = find_knee(aim, settings, start=start, seed=1000 * number, say=lambda text: say(f"  {text}"))
        constant = None
        if contestant.name == ENDPOINT and knee.confirmed:
            seconds = max(settings.confirm_s, settings.min_requests / knee.rate) + WARM_UP_S
            constant = step_of(aim.run(knee.rate, seconds, arrivals="constant"), knee.rate)
            say(f"  evenly spaced: {words(constant, settings.bound_ms)}")
    return Turn(knee=knee, constant=constant)


def rate_of(turns: Sequence[Turn]) -> Rate:
    """The rounds of one contestant in the report's form."""
    chosen = _median_turn(turns)
    step = chosen.knee.confirmed
    known = step is not None and step.p99_low_ms is not None and step.p99_high_ms is not None
    return Rate(
        rate=chosen.knee.rate,
        rates=tuple(turn.knee.rate for turn in turns),
        p50_ms=step.p50_ms if step else None,
        p99_ms=step.p99_ms if step else None,
        p99_interval_ms=(step.p99_low_ms, step.p99_high_ms) if step and known else None,
        p999_ms=step.p999_ms if step else None,
        failed=step.failed if step else 0,
        requests=step.requests if step else 0,
    )


def endpoint_of(turns: Sequence[Turn]) -> Endpoint:
    """The same of the endpoint."""
    constant = _median_turn(turns).constant
    return Endpoint(**rate_of(turns).model_dump(), constant_p99_ms=constant.p99_ms if constant else None)


def held_of(turns: Sequence[Turn], bound_ms: float) -> tuple[Held, ...]:
    """Every rate that was held, lowest first."""
    steps = [step for turn in turns for step in turn.knee.tried if step.holds(bound_ms)]
    held = [Held(qps=step.rate, p99_ms=step.p99_ms) for step in steps if step.p99_ms is not None]
    return tuple(sorted(held, key=lambda one: one.qps))


@dataclass(frozen=True, kw_only=True, slots=True)
class RatioOf:
    """Of the rounds' own ratios."""

    median: float
    low: float
    high: float


def ratio(ours: Sequence[Turn], theirs: Sequence[Turn]) -> RatioOf | None:
    """Ours by theirs within each round; None without a round in which both held a rate."""
    pairs = zip(ours, theirs, strict=False)
    ratios = [mine.knee.rate / other.knee.rate for mine, other in pairs if mine.knee.rate and other.knee.rate]
    return RatioOf(median=median(ratios), low=min(ratios), high=max(ratios)) if ratios else None


def best_of(turns: Mapping[str, Sequence[Turn]]) -> str | None:
    """Who held the highest rate, by the median of the rounds; None where nobody held any."""
    rates = {name: _median_turn(done).knee.rate for name, done in turns.items() if done}
    best = max(rates, key=lambda name: rates[name], default=None)
    return best if best and rates[best] > 0 else None


def _median_turn(turns: Sequence[Turn]) -> Turn:
    """The round in the middle; of an even number the lower of the two."""
    ordered = sorted(turns, key=lambda turn: turn.knee.rate)
    return ordered[(len(ordered) - 1) // 2]
