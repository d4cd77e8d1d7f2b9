"""The load generator against real endpoints: a twin, a slow server, and nobody at all."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import UserError
from serving.load import LoadRunner, LoadSettings, arrival_times_s
from serving.twin.process import free_port
from tests.serving.stage import Stage
from tests.serving.waiting import wait_for


def settings(url: str, rate_per_s: float = 100.0, **more: object) -> LoadSettings:
    fixed: dict[str, Any] = {"model_name": "churn", "token": "t", "ca_path": None}
    return LoadSettings(url=url, rate_per_s=rate_per_s, **(fixed | more))


def test_poisson_arrivals_have_the_rate_and_the_seed_repeats_them() -> None:
    plan = settings("http://x", 250.0, seed=3)
    times_s = np.array(list(islice(arrival_times_s(plan), 20_000)))
    gaps_s = np.diff(times_s)
    assert gaps_s.mean() == pytest.approx(1 / 250, rel=0.03)
    assert gaps_s.std() == pytest.approx(gaps_s.mean(), rel=0.05)
    assert times_s.tolist() == list(islice(arrival_times_s(plan), 20_000))
    assert times_s.tolist() != list(islice(arrival_times_s(settings("http://x", 250.0, seed=4)), 20_000))


def test_constant_arrivals_are_evenly_spaced() -> None:
    times_s = list(islice(arrival_times_s(settings("http://x", 10.0, arrivals="constant")), 5000))
    np.testing.assert_allclose(np.diff(times_s), 0.1)


def test_a_twin_answers_every_request(shared: Stage) -> None:
    runner = shared.load(rate_per_s=200, arrivals="constant")
    wait_for(lambda: runner.progress()[0] >= 100, what="the first hundred answers")
    result = runner.stop()
    summary = result.summary()
    assert (summary.failures, summary.errors) == (0, {})
    assert set(summary.requests_by_version) == {"v1"}
    assert summary.rate_per_s == pytest.approx(200, rel=0.05)
    assert np.all(result.latency_ms > 0)
    assert np.all(result.latency_ms >= result.late_ms)


def test_a_server_that_stalls_does_not_slow_the_arrivals_down() -> None:
    """All requests wait for one gate; a closed loop would send one and measure one."""
    gate, waiting = threading.Event(), threading.Semaphore(0)

    class Stalling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            waiting.release()
            gate.wait(20)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        runner = LoadRunner(settings(f"http://127.0.0.1:{server.server_port}", 200.0), [b"{}"])
        runner.start()
        for _ in range(50):
            assert waiting.acquire(timeout=60)
        gate.set()
        result = runner.stop()
    finally:
        gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert result.summary().failures == 0
    stalled_ms = result.latency_ms[:50]
    # The first waited for the other 49 arrivals, the fiftieth for none: latency counts from the planned time.
    expected_ms = 1000 * (result.planned_s[49] - result.planned_s[:50])
    assert np.all(stalled_ms >= expected_ms - 1.0)


def test_nobody_there_is_a_failure_with_its_reason() -> None:
    runner = LoadRunner(settings(f"http://127.0.0.1:{free_port()}"), [b"{}"])
    runner.start()
    wait_for(lambda: runner.progress()[1] >= 5, what="five failures")
    summary = runner.stop().summary()
    assert set(summary.failures_by_status) == {0}
    assert summary.failures == summary.requests
    assert summary.rate_per_s == 0.0
    assert any("ConnectionRefusedError" in error for error in summary.errors)


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"must be http\(s\)://host:port \(got 'not a url'\)"):
        settings("not a url")


def test_a_generator_that_cannot_run_says_so(tmp_path: Path) -> None:
    runner = LoadRunner(settings("https://127.0.0.1:1", ca_path=tmp_path / "none.pem"), [b"{}"])
    runner.start()
    with pytest.raises(FileNotFoundError):
        runner.stop()
