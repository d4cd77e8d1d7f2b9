"""docs/verdicts.md names everything that a plan may say and a verdict may be, with the margins that are in force."""

from pathlib import Path
from typing import get_args

import pytest

from serving.judge.evidence import SeriesState
from serving.judge.labels import Confirmation
from serving.judge.plan import MARGINS, Metric, MetricName, Plan, Step
from serving.judge.verdict import Verdict

TEXT = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text()
NAMES: tuple[MetricName, ...] = get_args(MetricName)


@pytest.mark.parametrize("name", [*SeriesState, *Verdict, *Confirmation])
def test_every_outcome_is_named(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_its_margin(name: MetricName) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("|") and f"`{name}`" in line)
    names = [each for each in NAMES if f"`{each}`" in row]
    margins = [float(each) for each in row.split("|")[-2].split(",")]
    by_name = dict(zip(names, margins if len(margins) > 1 else margins * len(names), strict=True))
    assert by_name[name] == MARGINS[name]


@pytest.mark.parametrize("part", [Plan, Metric, Step], ids=lambda part: part.__name__)
def test_every_setting_is_named(part: type[Plan | Metric | Step]) -> None:
    assert [field for field in part.model_fields if field not in TEXT] == []
