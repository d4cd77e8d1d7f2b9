"""Evidence for tests: windows of a minute, healthy unless told otherwise."""

from datetime import UTC, datetime, timedelta

from serving.judge.evidence import Arm, Evidence, Histogram, Outcome, Pairs, Version, Window
from serving.judge.plan import Metric, Plan, Step

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOUNDS_MS = (5.0, 10.0, 20.0, 40.0)
STEP = Step(weight=10, min_samples=300, min_minutes=5, max_minutes=60)
FAILURES = Plan(metrics=(Metric(name="failures"),), warm_up_seconds=0)


def minute(number: float) -> datetime:
    return BEGIN + timedelta(minutes=number)


def latency(requests: int, slow: float = 0.01) -> Histogram:
    """A share of the requests above 20 ms, half above 10 ms."""
    quick = requests - round(requests * slow)
    return Histogram(upper_bounds=BOUNDS_MS, cumulative=(requests // 10, requests // 2, quick, requests, requests))


def scores(requests: int, shift: int = 0) -> Histogram:
    """Even in tenths; a shift takes that many per cent from the lowest to the highest."""
    tenth = requests // 10
    moved = requests * shift // 100
    counts = [tenth - moved, *[tenth] * 8, requests - 9 * tenth + moved]
    cumulative = tuple(sum(counts[: place + 1]) for place in range(10))
    return Histogram(upper_bounds=tuple(place / 10 for place in range(1, 10)), cumulative=cumulative)


def arm(requests: int, errors: int = 0, *, outcome: Outcome = Outcome.SERVER_ERROR, slow: float = 0.01) -> Arm:
    return Arm(
        outcomes={Outcome.OK: requests - errors, outcome: errors},
        latency_ms=latency(requests, slow),
        scores=scores(requests),
    )


def window(number: int, stable: Arm, candidate: Arm, *, asked: float = 10, pairs: Pairs | None = None) -> Window:
    return Window(
        start=minute(number),
        end=minute(number + 1),
        asked_percent=asked,
        stable=stable,
        candidate=candidate,
        pairs=pairs,
    )


def evidence(*windows: Window, step_start: datetime = BEGIN, ready: datetime = BEGIN) -> Evidence:
    return Evidence(
        endpoint="online-model",
        stable=Version(version="v1", digest="sha256:" + "1" * 64, ready=BEGIN - timedelta(days=1)),
        candidate=Version(version="v2", digest="sha256:" + "2" * 64, ready=ready),
        step_start=step_start,
        gathered=windows[-1].end if windows else minute(1),
        windows=windows,
        queries={"requests.candidate": 'envoy_cluster_upstream_rq{version="v2"}[60s]'},
    )


def steady(minutes: int, *, errors: int = 1, stable_errors: int = 9, requests: int = 100) -> Evidence:
    """A step whose every minute is the same; the stable version has nine times as many requests."""
    return evidence(
        *(window(number, arm(9 * requests, stable_errors), arm(requests, errors)) for number in range(minutes))
    )
