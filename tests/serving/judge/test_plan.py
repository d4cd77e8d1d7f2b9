"""Plans that mean something, and those that are refused."""

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from model.errors import UserError
from serving.judge.evidence import Outcome, Signal
from serving.judge.measures import measure_of
from serving.judge.plan import MARGINS, OUTCOMES, Direction, Metric, MetricName, Plan, Step, read_plan

NAMES: tuple[MetricName, ...] = get_args(MetricName)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_can_be_measured_and_has_a_margin(name: MetricName) -> None:
    metric = Metric(name=name)
    assert metric.limit == MARGINS[name] > 0
    assert measure_of(metric, (1.0, 2.0)).metric is metric
    assert metric.signal in Signal


def test_only_the_makings_of_a_model_call_a_person_by_default() -> None:
    calls = {name for name in NAMES if Metric(name=name).harm_means == "hold"}
    assert calls == {"prediction_drift", "disagreement"}


def test_every_failure_is_counted_somewhere() -> None:
    assert set(OUTCOMES["failures"]) == set(Outcome) - {Outcome.OK, Outcome.CLIENT_ERROR}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "failures", "direction": "higher_is_better"}, "direction: not of failures"),
        ({"name": "prediction_drift", "direction": "lower_is_better"}, "allowed: unchanged"),
        ({"name": "disagreement", "margin": 0}, "margin: of disagreement"),
        ({"name": "latency_p99", "margin": 1}, "margin: a share"),
        ({"name": "failures", "alpha": 0}, "greater than 0"),
        ({"name": "erors"}, "failures"),
        ({"name": "failures", "on_no_evidence": "advance"}, "hold"),
    ],
)
def test_a_metric_that_cannot_mean_what_it_says_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Metric.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": [{"weight": 20}, {"weight": 10}]}, "weights grow"),
        ({"steps": []}, "at least 1"),
        ({"steps": [{"weight": 100}]}, "less than 100"),
        ({"steps": [{"weight": 10, "min_minutes": 60, "max_minutes": 60}]}, "more than min_minutes"),
        ({"metrics": [{"name": "failures"}, {"name": "failures"}]}, "each once"),
        ({"metrics": [{"name": "failures", "alpha": 0.3}, {"name": "timeouts", "alpha": 0.3}]}, "less than 0.5"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Plan.model_validate(fields)


def test_alpha_is_split_over_the_metrics() -> None:
    plan = Plan(metrics=(Metric(name="failures", alpha=0.02), Metric(name="latency_p99")))
    assert plan.alpha == pytest.approx(0.03)
    assert Metric(name="answered").worse is Direction.HIGHER_IS_BETTER


def test_a_plan_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(
        "steps:\n- {weight: 5, min_samples: 200, min_minutes: 2, max_minutes: 30}\n"
        "metrics:\n- {name: failures, direction: lower_is_better, margin: 0.01, on_no_evidence: rollback}\n"
    )
    plan = read_plan(path)
    assert plan.steps == (Step(weight=5, min_samples=200, min_minutes=2, max_minutes=30),)
    assert plan.metrics[0].on_no_evidence == "rollback"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [{weight: 5, sampels: 3}]", "steps.0.sampels"),
        ("steps: [{weight: five}]", r"steps.0.weight.*got 'five'"),
        ("steps: [", "is not YAML"),
        ("- 1", "file"),
    ],
)
def test_a_plan_that_is_none_is_refused_by_its_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_plan(path)


def test_a_plan_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the plan"):
        read_plan(tmp_path / "nowhere.yaml")
