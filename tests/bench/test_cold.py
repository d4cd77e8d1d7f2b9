"""Triton's log -> the steps of a start, over midnight as well."""

import pytest

from bench.cold import steps_of

LOG = """I1129 {0} 21956 model_lifecycle.cc:472] "loading: propensity:1"
I1129 {1} 21956 model_lifecycle.cc:839] "successfully loaded 'propensity'"
I1129 {2} 21956 http_server.cc:4713] "Started HTTPService at 127.0.0.1:22656"
"""


def test_the_steps_add_up() -> None:
    log = LOG.format("02:15:17.500000", "02:15:17.750000", "02:15:17.800000")
    begin_s = 2 * 3600 + 15 * 60 + 17.25
    steps = steps_of(log, begin_s=begin_s, end_s=begin_s + 0.6)
    assert steps == pytest.approx({"server": 0.25, "model": 0.25, "listening": 0.05, "first_answer": 0.05}, abs=1e-5)


def test_a_start_may_begin_before_midnight() -> None:
    log = LOG.format("23:59:59.900000", "00:00:00.100000", "00:00:00.200000")
    steps = steps_of(log, begin_s=86_399.5, end_s=0.5)
    assert sum(steps.values()) == pytest.approx(1.0, abs=1e-5)
    assert min(steps.values()) > 0
