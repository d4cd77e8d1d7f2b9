"""One run of load at one rate -> what may be said of it."""

import time
from dataclasses import dataclass
from math import inf
from pathlib import Path

from serving.load import Arrivals, LoadRunner, LoadSettings
from serving.load_result import LoadResult

WARM_UP_S = 0.5
"""Of each run, left out: connections open, caches fill."""
_LOOK_S = 0.25
_SHARE = 0.99
_SURELY = 1.5
"""Times the requests that may be beyond the bound: there a step that fails is ended."""
TIMEOUT_S = 2.0
"""A request without an answer after this time has failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A run at one rate."""

    rate: float
    """Requests a second that were planned."""
    achieved: float
    """That were answered."""
    requests: int
    failed: int
    p50_ms: float | None
    """A percentile is None where the run does not allow to quote it; from the planned time on."""
    p99_ms: float | None
    p99_low_ms: float | None
    p99_high_ms: float | None
    """With `p99_low_ms` the 95 % interval."""
    p999_ms: float | None
    max_ms: float | None
    late_share: float
    """Of the requests that the generator sent over 5 ms late."""
    refusal: str | None
    """Why nothing may be quoted."""

    def holds(self, bound_ms: float) -> bool:
        """Whether the endpoint held the rate: all answered, and 99 % of them within the bound from their planned time.

        A backlog shows there: who falls behind answers later and later.
        """
        return self.failed == 0 and self.p99_ms is not None and self.p99_ms <= bound_ms


def step_of(result: LoadResult, rate: float) -> Step:
    """A run in numbers, without its warm-up."""
    counted = result.between(WARM_UP_S, float("inf"))
    summary = counted.summary()
    p99 = summary.quotes["p99"]
    return Step(
        rate=rate,
        achieved=summary.rate_per_s,
        requests=summary.requests,
        failed=summary.failures,
        p50_ms=summary.quotes["p50"].value_ms,
        p99_ms=p99.value_ms,
        p99_low_ms=p99.low_ms,
        p99_high_ms=p99.high_ms,
        p999_ms=summary.quotes["p99.9"].value_ms,
        max_ms=summary.latency.max_ms if summary.latency else None,
        late_share=summary.late_share,
        refusal=p99.refusal,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """Where load goes, and what it carries."""

    url: str
    token: str
    ca: Path | None
    """The authority's certificate; None without TLS."""
    model_name: str
    bodies: tuple[bytes, ...]
    connections: int
    headers: tuple[tuple[str, str], ...] = ()

    def runner(
        self, rate: float, *, arrivals: Arrivals = "poisson", seed: int = 0, bound_ms: float = inf
    ) -> LoadRunner:
        """A generator that has not begun."""
        settings = LoadSettings(
            url=self.url,
            model_name=self.model_name,
            token=self.token,
            ca_path=self.ca,
            rate_per_s=rate,
            arrivals=arrivals,
            seed=seed,
            timeout_s=TIMEOUT_S,
            connections=self.connections,
            max_connections=2 * self.connections,
            headers=dict(self.headers),
            bound_ms=bound_ms,
            bound_from_s=WARM_UP_S,
        )
        return LoadRunner(settings, self.bodies)

    def run(self, rate: float, seconds: float, *, arrivals: Arrivals = "poisson", seed: int = 0) -> LoadResult:
        """Load for so long."""
        return self.runner(rate, arrivals=arrivals, seed=seed).run_for(seconds)

    def run_while_it_may_hold(self, rate: float, seconds: float, bound_ms: float, *, seed: int = 0) -> LoadResult:
        """Load for so long, or until more requests are beyond the bound than a run that holds has in all."""
        runner = self.runner(rate, seed=seed, bound_ms=bound_ms)
        runner.start()
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0 and not cannot_hold(runner.beyond(), rate * seconds):
            runner.wait(min(_LOOK_S, left_s))
        return runner.stop()


def cannot_hold(beyond: int, planned: float) -> bool:
    """Whether the requests beyond the bound are too many already; somewhat more may come than are planned."""
    return beyond > _SURELY * (1 - _SHARE) * planned
