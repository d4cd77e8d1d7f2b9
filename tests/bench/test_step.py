"""What may be said of a run, and when a rate counts as held."""

import pytest

from bench.step import WARM_UP_S, cannot_hold, step_of
from serving.load_quote import fewest_requests
from serving.load_result import LoadRecorder
from tests.bench.samples import load_result

ENOUGH = fewest_requests(99) + round(100 * WARM_UP_S)


def test_a_good_run_is_held() -> None:
    step = step_of(load_result([3.0] * (ENOUGH + 50)), 100)
    assert step.holds(10)
    assert step.p99_ms == pytest.approx(3)
    assert step.p99_low_ms is not None
    assert step.failed == 0


def test_the_warm_up_is_left_out() -> None:
    slow_start = [500.0] * round(100 * WARM_UP_S) + [3.0] * (ENOUGH + 50)
    assert step_of(load_result(slow_start), 100).holds(10)


@pytest.mark.parametrize(
    ("latency_ms", "why"),
    [([3.0] * (ENOUGH - 10), "requests"), ([3.0] * (ENOUGH + 50), "late")],
)
def test_too_few_requests_or_a_late_generator_hold_nothing(latency_ms: list[float], why: str) -> None:
    late_ms = 20.0 if why == "late" else 0.0
    step = step_of(load_result(latency_ms, late_ms=late_ms), 100)
    assert step.p99_ms is None
    assert step.refusal is not None
    assert why in step.refusal
    assert not step.holds(10)


def test_one_failure_is_one_too_many() -> None:
    step = step_of(load_result([3.0] * 5_000, failed=1), 100)
    assert step.failed == 1
    assert step.p99_ms == pytest.approx(3)
    assert not step.holds(10)


def test_more_than_a_hundredth_beyond_the_bound_is_not_held() -> None:
    assert not step_of(load_result(([3.0] * 98 + [30.0] * 2) * 50), 100).holds(10)
    assert step_of(load_result(([3.0] * 199 + [30.0]) * 25), 100).holds(10)


def test_what_is_beyond_the_bound_is_counted_as_it_comes_and_the_warm_up_is_not() -> None:
    recorder = LoadRecorder(timeout_s=2.0, bound_ms=10.0, bound_from_s=WARM_UP_S)
    for planned_s, latency_ms, status in [(0.1, 50.0, 200), (1.0, 9.0, 200), (1.1, 11.0, 200), (1.2, 1.0, 503)]:
        recorder.add(planned_s=planned_s, latency_ms=latency_ms, late_ms=0.0, status=status, version="v1")
    assert recorder.beyond == 2


def test_a_step_ends_early_only_where_it_must_fail() -> None:
    for beyond in range(40):
        if cannot_hold(beyond, 1_000):
            assert not step_of(load_result([3.0] * (1_050 - beyond) + [30.0] * beyond), 100).holds(10)
    assert cannot_hold(40, 1_000)
    assert not cannot_hold(10, 1_000)
