"""Samples of Envoy's counters -> rates and shares over the last seconds."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.twin.envoy_admin import Traffic

WINDOW_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What a version did within the window."""

    request_rate: float | None
    """Per second; None before there are two samples."""
    share: float | None
    """Of all versions' requests; None where there were none."""
    error_share: float | None
    """Of its own requests; None where there were none."""


@dataclass(kw_only=True, slots=True)
class TrafficWindow:
    """The samples of the last ten seconds; starts over when counters fall back, as they do when Envoy restarts."""

    samples: deque[tuple[float, Mapping[str, Traffic]]] = field(default_factory=deque)

    def add(self, time_s: float, traffic: Mapping[str, Traffic]) -> None:
        """Take a sample at a monotonic time."""
        if self.samples and _fell_back(self.samples[-1][1], traffic):
            self.samples.clear()
        self.samples.append((time_s, traffic))
        while time_s - self.samples[0][0] > WINDOW_S:
            self.samples.popleft()

    def latest(self, version: str) -> Traffic:
        """The newest sample of a version; zeros where there is none."""
        nothing = Traffic(requests=0, errors=0, active=0, p50_ms=None, p99_ms=None)
        return self.samples[-1][1].get(version, nothing) if self.samples else nothing

    def rates(self, version: str, *, beside: str = "") -> Rates:
        """What the version did since the oldest sample of the window.

        Args:
            version: whose rates.
            beside: a version that only gets copies, so that its requests are no part of the whole.
        """
        if len(self.samples) < 2:
            return Rates(request_rate=None, share=None, error_share=None)
        (begin_s, before), (end_s, after) = self.samples[0], self.samples[-1]
        requests = {name: now.requests - _of(before, name, "requests") for name, now in after.items()}
        own = requests.get(version, 0)
        errors = after[version].errors - _of(before, version, "errors") if version in after else 0
        total = sum(count for name, count in requests.items() if name == version or name != beside)
        return Rates(
            request_rate=own / (end_s - begin_s),
            share=own / total if total else None,
            error_share=errors / own if own else None,
        )


def _of(sample: Mapping[str, Traffic], version: str, counter: str) -> int:
    return int(getattr(sample[version], counter)) if version in sample else 0


def _fell_back(before: Mapping[str, Traffic], after: Mapping[str, Traffic]) -> bool:
    return any(name in after and after[name].requests < old.requests for name, old in before.items())
