"""Numbers of a load run, from records made by hand."""

import numpy as np
import pytest

from serving.load_result import LoadRecorder


def recorder(*rows: tuple[float, float, int, str], late_ms: float = 0.0) -> LoadRecorder:
    filled = LoadRecorder(timeout_s=1.0)
    for planned_s, latency_ms, status, version in rows:
        filled.add(planned_s=planned_s, latency_ms=latency_ms, late_ms=late_ms, status=status, version=version)
    return filled


def test_percentiles_are_those_of_the_records() -> None:
    random = np.random.default_rng(1)
    latencies_ms = random.lognormal(1.0, 1.0, 5000)
    rows = [(0.001 * i, latency_ms, 200, "v1") for i, latency_ms in enumerate(latencies_ms.tolist())]
    latency = recorder(*rows).result().summary().latency
    assert latency is not None
    found = [latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.p99_9_ms, latency.max_ms]
    expected = np.sort(latencies_ms)[[2499, 4499, 4949, 4994, 4999]]
    np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_a_failure_counts_as_long_as_the_timeout() -> None:
    summary = recorder((0.0, 1.0, 200, "v1"), (0.1, 1.0, 503, "v2"), (0.2, 1.0, 0, "")).result().summary()
    assert summary.latency is not None
    assert summary.latency.p50_ms == pytest.approx(1000, rel=1e-3)
    assert summary.latency.max_ms == 1000
    assert summary.failures == 2
    assert summary.failures_by_status == {0: 1, 503: 1}
    assert summary.failures_by_version == {"": 1, "v2": 1}
    assert summary.requests_by_version == {"": 1, "v1": 1, "v2": 1}


def test_nothing_sent_has_no_latency() -> None:
    result = recorder().result()
    summary = result.summary()
    assert (summary.requests, summary.latency, summary.rate_per_s) == (0, None, 0.0)
    assert result.time_series() == []


def test_the_achieved_rate_leaves_out_what_was_not_answered() -> None:
    rows = [(0.1 * i, 1.0, 0 if i % 2 else 200, "v1") for i in range(101)]
    assert recorder(*rows).result().summary().rate_per_s == pytest.approx(5.1)


def test_the_time_series_shows_when_it_happened() -> None:
    rows = [(0.5, 1.0, 200, "v1"), (0.7, 3.0, 500, "v1"), (2.1, 2.0, 200, "v2")]
    first, gap, last = recorder(*rows).result().time_series()
    assert (first.begin_s, first.requests, first.failures) == (0.0, 2, 1)
    assert (gap.requests, gap.latency) == (0, None)
    assert last.requests_by_version == {"v2": 1}


def test_parts_of_a_run_are_half_open() -> None:
    result = recorder((0.0, 1.0, 200, "v1"), (1.0, 1.0, 200, "v2"), (2.0, 1.0, 200, "v1")).result()
    assert result.between(0.0, 1.0).summary().requests == 1
    assert result.between(1.0, 3.0).summary().requests == 2
    assert result.of_version("v1").planned_s.tolist() == [0.0, 2.0]
    assert result.of_version("v9").summary().requests == 0


def test_a_late_generator_is_named() -> None:
    rows = [(0.1 * i, 1.0, 200, "v1") for i in range(10)]
    assert recorder(*rows).result().summary().warning is None
    warning = recorder(*rows, late_ms=6.0).result().summary().warning
    assert warning is not None
    assert "100.0 % of the requests more than 5 ms late" in warning


def test_records_come_out_by_planned_time() -> None:
    assert recorder((2.0, 1.0, 200, "b"), (1.0, 1.0, 200, "a")).result().planned_s.tolist() == [1.0, 2.0]
