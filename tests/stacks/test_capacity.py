"""Capacity is a measured number, or none: nothing between the points is made up."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.capacity import CPU_MEASURED, GPU_MEASURED, capacity, cpu_points, of_points
from stacks.settings.read import read_settings
from tests.stacks.settings.samples import SMALL, with_own


@pytest.mark.parametrize(
    ("pods", "goal_ms", "qps"),
    [
        (1, 100, 1_000),
        (2, 100, 1_600),
        (3, 100, 2_400),
        (4, 100, 3_200),
        (8, 100, 6_400),
        (12, 100, 6_400),
        (8, 80, 1_000),
        (1, 75, 1_000),
        (8, 50, None),
        (0, 50, 0),
    ],
)
def test_gpu_pods_answer_what_was_measured(pods: int, goal_ms: float, qps: float | None) -> None:
    assert of_points(GPU_MEASURED, pool="gpu", pods=pods, goal_ms=goal_ms).qps == qps


def test_more_pods_than_were_measured_is_said() -> None:
    assert "more than 8 pods were not measured" in of_points(GPU_MEASURED, pool="gpu", pods=9, goal_ms=100).source


def test_no_figure_says_what_there_is() -> None:
    found = of_points(GPU_MEASURED, pool="gpu", pods=4, goal_ms=50)
    assert "the fastest measured p99 is 75 ms" in found.source


@given(pods=st.integers(0, 20), goal_ms=st.floats(1, 1000))
def test_more_pods_and_a_laxer_goal_never_answer_less(pods: int, goal_ms: float) -> None:
    here = of_points(GPU_MEASURED, pool="gpu", pods=pods, goal_ms=goal_ms).qps or 0
    more = of_points(GPU_MEASURED, pool="gpu", pods=pods + 1, goal_ms=goal_ms).qps or 0
    laxer = of_points(GPU_MEASURED, pool="gpu", pods=pods, goal_ms=goal_ms + 10).qps or 0
    assert here <= more
    assert here <= laxer


def test_the_goal_is_the_stacks(tmp_path: Path) -> None:
    lax = read_settings(SMALL)
    strict = read_settings(with_own("serving", {"latency_goal_ms": 20}))
    assert capacity(lax, pool="cpu", pods=1, bench=tmp_path / "none").qps == 1_900
    assert capacity(strict, pool="cpu", pods=1, bench=tmp_path / "none").qps is None


def test_an_own_benchmark_comes_first(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    steps = [{"qps": 500, "p99_ms": 10}, {"qps": 900, "p99_ms": 60}, {"qps": 2_000, "p99_ms": 300}]
    report.write_text(json.dumps({"machine": "m5.2xlarge", "steps": steps}))
    found = capacity(read_settings(SMALL), pool="cpu", pods=1, bench=report)
    assert (found.qps, found.p99_ms) == (900, 60)
    assert "m5.2xlarge" in found.source


@pytest.mark.parametrize("text", ["{}", "[", '{"machine": "x", "steps": [{"qps": "many"}]}'])
def test_a_report_of_another_form_is_said_and_not_used(tmp_path: Path, text: str) -> None:
    report = tmp_path / "report.json"
    report.write_text(text)
    points = cpu_points(report)
    assert [point.qps for point in points] == [point.qps for point in CPU_MEASURED]
    assert "was not read" in points[0].source
