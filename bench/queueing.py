"""A queueing model of replicas behind one gateway: what each request costs -> latencies at a rate. Pure.

`cores` processors share all requests (M/G/c): arrivals are independent, a request takes a core for as long as it costs,
and waits for a free one. The wait is exponential where there is one (Kingman's approximation), its chance Erlang's.
What it leaves out: wake-ups, the order of the stages, and that a thread belongs to one of them.
"""

from dataclasses import dataclass
from math import inf, log

from scipy.optimize import brentq

_FULLEST = 0.998
"""Share of the cores up to which the model says something."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """Cores that serve requests in the order in which they come."""

    cores: int
    busy_ms: float
    """Of one core, a request."""
    variation: float
    """Variance of that by its square; 0 where all cost the same."""
    fixed_ms: float = 0.0
    """Of every request's latency beyond its cost and wait: the median of an idle endpoint less `busy_ms`."""

    def load(self, rate: float) -> float:
        """Share of the cores that is busy at so many requests a second."""
        return rate * self.busy_ms / 1000 / self.cores

    def latency_ms(self, rate: float, share: float) -> float | None:
        """What `share` of the requests stay within; None where the cores are full."""
        load = self.load(rate)
        if load > _FULLEST * (1 + 1e-9):
            return None
        late = 1 - share
        waits = chance_to_wait(self.cores, load * self.cores)
        if waits <= late:
            return self.fixed_ms + self.busy_ms
        mean_ms = self.busy_ms * (1 + self.variation) / 2 / (self.cores * (1 - load))
        return self.fixed_ms + self.busy_ms + mean_ms * log(waits / late)

    def rate_within(self, bound_ms: float, share: float) -> float:
        """The highest rate at which `share` stay within the bound; 0 where none does."""
        most = _FULLEST * 1000 * self.cores / self.busy_ms

        def beyond_ms(rate: float) -> float:
            return (self.latency_ms(rate, share) or inf) - bound_ms

        if beyond_ms(0.0) > 0:
            return 0.0
        return float(brentq(beyond_ms, 0.0, most)) if beyond_ms(most) > 0 else most


def chance_to_wait(cores: int, offered: float) -> float:
    """Erlang's C: of a request to find all cores busy, `offered` of which are so on average."""
    blocked = 1.0
    for number in range(1, cores + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - (1 - blocked) * offered / cores)
