"""Records of single requests -> percentiles, rates, failures by status and version, and a time series."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from serving.load_quote import Quote, quote

_LARGEST_US = 3_600_000_000
_LATE_MS = 5.0
_LATE_SHARE = 0.01
QUOTED_PERCENT = (50.0, 90.0, 99.0, 99.9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Milliseconds from the planned time to the end of the answer; a failed request counts as at least the timeout."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadSummary:
    """A run in numbers."""

    requests: int
    duration_s: float
    """From the first planned request to the last."""
    rate_per_s: float
    """Achieved: answered requests by duration."""
    failures: int
    """Anything but status 200."""
    failures_by_status: Mapping[int, int]
    """0 stands for no answer: refused, reset or timed out."""
    failures_by_version: Mapping[str, int]
    """The empty name stands for answers that no version gave."""
    requests_by_version: Mapping[str, int]
    latency: Latency | None
    """None without requests. What was measured; what may be said of the endpoint is in `quotes`."""
    quotes: Mapping[str, Quote]
    """`p50`, `p90`, `p99`, `p99.9` -> what the run allows to say."""
    late_share: float
    """Of the requests that the generator itself sent more than 5 ms after their time."""
    warning: str | None
    """Set when the generator was too late too often for the percentiles to be the endpoint's alone."""
    errors: Mapping[str, int]
    """What went wrong where there was no answer, in the client's words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A stretch of the run, `[begin_s, begin_s + length)` of planned time."""

    begin_s: float
    requests: int
    failures: int
    requests_by_version: Mapping[str, int]
    latency: Latency | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadResult:
    """One entry a request in each array, by planned time."""

    planned_s: NDArray[np.float64]
    """Since the start of the run."""
    latency_ms: NDArray[np.float64]
    late_ms: NDArray[np.float64]
    """How long after its time the generator began to send."""
    status: NDArray[np.int16]
    version: NDArray[np.int16]
    """Position in `versions`."""
    versions: tuple[str, ...]
    timeout_s: float
    errors: Mapping[str, int] = field(default_factory=dict)

    def between(self, begin_s: float, end_s: float) -> "LoadResult":
        """The requests planned in `[begin_s, end_s)`: to leave out a warm-up, or to look at one phase."""
        chosen = (self.planned_s >= begin_s) & (self.planned_s < end_s)
        return self._chosen(chosen)

    def of_version(self, version: str) -> "LoadResult":
        """The requests that one version answered."""
        return self._chosen(np.array([name == version for name in self.versions], dtype=bool)[self.version])

    def summary(self) -> LoadSummary:
        """The run in numbers."""
        failed = self.status != 200
        requests = len(self.status)
        duration_s = float(self.planned_s[-1] - self.planned_s[0]) if requests > 1 else 0.0
        late_share = float(np.mean(self.late_ms > _LATE_MS)) if requests else 0.0
        warning = _warning(late_share)
        return LoadSummary(
            requests=requests,
            duration_s=duration_s,
            rate_per_s=int((self.status != 0).sum()) / duration_s if duration_s else 0.0,
            failures=int(failed.sum()),
            failures_by_status={int(status): n for status, n in sorted(Counter(self.status[failed].tolist()).items())},
            failures_by_version=self._by_version(failed),
            requests_by_version=self._by_version(np.ones(requests, dtype=bool)),
            latency=self._latency(),
            late_share=late_share,
            quotes={f"p{percent:g}": quote(self.counted_ms(), percent, warning) for percent in QUOTED_PERCENT},
            warning=warning,
            errors=self.errors,
        )

    def time_series(self, interval_s: float = 1.0) -> list[Interval]:
        """The run in stretches of equal length; one without requests has no latency."""
        if not len(self.planned_s):
            return []
        numbers = np.floor(self.planned_s / interval_s).astype(int)
        return [self._interval(number * interval_s, interval_s) for number in range(numbers.min(), numbers.max() + 1)]

    def _interval(self, begin_s: float, length_s: float) -> Interval:
        part = self.between(begin_s, begin_s + length_s)
        return Interval(
            begin_s=begin_s,
            requests=len(part.status),
            failures=int((part.status != 200).sum()),
            requests_by_version=part._by_version(np.ones(len(part.status), dtype=bool)),
            latency=part._latency(),
        )

    def _chosen(self, chosen: NDArray[np.bool_]) -> "LoadResult":
        return replace(
            self,
            planned_s=self.planned_s[chosen],
            latency_ms=self.latency_ms[chosen],
            late_ms=self.late_ms[chosen],
            status=self.status[chosen],
            version=self.version[chosen],
        )

    def _by_version(self, chosen: NDArray[np.bool_]) -> dict[str, int]:
        counts = np.bincount(self.version[chosen], minlength=len(self.versions))
        return {name: int(n) for name, n in zip(self.versions, counts, strict=True) if n}

    def counted_ms(self) -> NDArray[np.float64]:
        """The latencies, a failed request's at least the timeout."""
        failed_ms = np.maximum(self.latency_ms, 1000 * self.timeout_s)
        return np.where(self.status == 200, self.latency_ms, failed_ms)

    def histogram(self) -> HdrHistogram:
        """The counted latencies in microseconds, to three digits."""
        histogram = HdrHistogram(1, _LARGEST_US, 3)
        for value_us, times in zip(*np.unique(np.ceil(1000 * self.counted_ms()), return_counts=True), strict=True):
            histogram.record_value(int(min(max(value_us, 1), _LARGEST_US)), int(times))
        return histogram

    def _latency(self) -> Latency | None:
        if not len(self.latency_ms):
            return None
        histogram = self.histogram()
        largest = float(self.counted_ms().max())
        # The histogram keeps three digits and rounds up.
        at = [min(histogram.get_value_at_percentile(percent) / 1000, largest) for percent in (50, 90, 99, 99.9)]
        return Latency(p50_ms=at[0], p90_ms=at[1], p99_ms=at[2], p99_9_ms=at[3], max_ms=largest)


@dataclass(kw_only=True, slots=True)
class LoadRecorder:
    """Takes the records of a run as they come."""

    timeout_s: float
    bound_ms: float = inf
    bound_from_s: float = 0.0
    beyond: int = 0
    """Requests planned from `bound_from_s` on that failed or took longer than `bound_ms`."""
    _rows: list[tuple[float, float, float, int, str]] = field(default_factory=list)
    _errors: Counter[str] = field(default_factory=Counter)
    _failures: int = 0

    def add(self, *, planned_s: float, latency_ms: float, late_ms: float, status: int, version: str) -> None:
        """One finished request."""
        self._failures += status != 200
        self.beyond += planned_s >= self.bound_from_s and (status != 200 or latency_ms > self.bound_ms)
        self._rows.append((planned_s, latency_ms, late_ms, status, version))

    def note_error(self, error: BaseException) -> None:
        """What a request without an answer died of."""
        self._errors[f"{type(error).__name__}: {error}"] += 1

    def counts(self) -> tuple[int, int]:
        """(requests, failures) so far."""
        return len(self._rows), self._failures

    def result(self) -> LoadResult:
        """All records as arrays."""
        rows = sorted(self._rows)
        versions = tuple(sorted({row[4] for row in rows}))
        place = {name: position for position, name in enumerate(versions)}
        return LoadResult(
            planned_s=np.array([row[0] for row in rows], dtype=np.float64),
            latency_ms=np.array([row[1] for row in rows], dtype=np.float64),
            late_ms=np.array([row[2] for row in rows], dtype=np.float64),
            status=np.array([row[3] for row in rows], dtype=np.int16),
            version=np.array([place[row[4]] for row in rows], dtype=np.int16),
            versions=versions,
            timeout_s=self.timeout_s,
            errors=dict(self._errors),
        )


def _warning(late_share: float) -> str | None:
    if late_share <= _LATE_SHARE:
        return None
    return (
        f"the load generator itself sent {100 * late_share:.1f} % of the requests more than {_LATE_MS:g} ms late: "
        "the percentiles are not the endpoint's alone; lower the rate or use another machine"
    )
