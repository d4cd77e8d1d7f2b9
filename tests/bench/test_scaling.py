"""The queueing model: what is known exactly, what must hold, and that it is told apart from what was measured."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.queueing import Station, chance_to_wait
from bench.report import Report, ScalingModel
from bench.scaling import PODS, Sample, model_of
from bench.table import table
from tests.bench.samples import step


@given(load=st.floats(0.01, 0.99))
def test_with_one_core_the_chance_to_wait_is_the_load(load: float) -> None:
    assert chance_to_wait(1, load) == pytest.approx(load)


def test_erlangs_table() -> None:
    assert chance_to_wait(2, 1.0) == pytest.approx(1 / 3)
    assert chance_to_wait(10, 8.0) == pytest.approx(0.4092, abs=1e-4)


def test_one_core_and_exponential_times_are_exact() -> None:
    """The wait of M/M/1: P(W > t) = load * exp(-(1 - load) t / busy)."""
    wait_ms = (Station(cores=1, busy_ms=2.0, variation=1.0).latency_ms(400, 0.99) or 0.0) - 2.0
    assert 0.8 * math.exp(-0.2 * wait_ms / 2.0) == pytest.approx(0.01)


@given(cores=st.integers(1, 16), busy_ms=st.floats(0.05, 5), variation=st.floats(0, 4), bound_ms=st.floats(1, 50))
def test_the_highest_rate_within_a_bound_is_just_within(
    cores: int, busy_ms: float, variation: float, bound_ms: float
) -> None:
    station = Station(cores=cores, busy_ms=busy_ms, variation=variation)
    rate = station.rate_within(bound_ms, 0.99)
    if busy_ms > bound_ms:
        assert rate == 0
        return
    assert station.load(rate) <= 1
    assert (station.latency_ms(0.999 * rate, 0.99) or math.inf) <= bound_ms * (1 + 1e-6)
    above = station.latency_ms(1.01 * rate, 0.99)
    assert above is None or above >= bound_ms * (1 - 1e-6)


def test_full_cores_have_no_latency() -> None:
    assert Station(cores=2, busy_ms=1.0, variation=0).latency_ms(2_000, 0.5) is None


def sample(rate: float) -> Sample:
    return Sample(step=step(rate), generator_ms=0.1, server_ms=0.4)


def test_the_model_is_fitted_to_the_lowest_rate_and_checked_at_all() -> None:
    model = model_of([sample(400), sample(200)], 0.2, 10)
    assert model.fixed_ms == pytest.approx(2.0 - 0.5)
    assert [one.rate for one in model.checks] == [400, 200]
    assert model.checks[1].model_p50_ms == pytest.approx(2.0)
    assert model.margin == pytest.approx(5.0 / 2.0)  # measured by the model's p99 at the lowest rate
    assert PODS * 1000 / 0.4 < model.rate < PODS * 4 * 1000 / 0.4  # between one core and all four of each


def test_the_table_calls_it_a_model() -> None:
    model = model_of([sample(200)], 0.2, 10)
    report = Report(machine="m", bound_ms=10, scaling={"model": model})
    assert "a model, not a measurement: 8 pods" in table(report)
    assert isinstance(Report.model_validate_json(report.model_dump_json()).scaling["model"], ScalingModel)
