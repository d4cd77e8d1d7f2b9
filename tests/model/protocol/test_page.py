"""The page shows what a result says, and leaves out what it does not."""

from pathlib import Path

import pytest

from model.protocol.outcome import (
    CalibrationPoint,
    DifferenceResult,
    ModelResult,
    RegimeResult,
    Result,
    this_machine,
)
from model.protocol.page import write_page
from model.protocol.protocol import Published
from model.protocol.report import Skipped


def sample(name: str, *, is_whole: bool, metric: str = "auroc") -> Result:
    """With two models in one or two regimes."""
    models = {
        "lightgbm_dfs": ModelResult(mean=0.7, low=0.68, high=0.72, seeds=(0.7,)),
        "deep": ModelResult(mean=0.75, low=0.73, high=0.77, seeds=(0.74, 0.76)),
    }
    difference = DifferenceResult(first="deep", second="lightgbm_dfs", mean=0.05, low=0.01, high=0.09)
    regime = RegimeResult(models=models, differences=(difference,) if is_whole else ())
    point = CalibrationPoint(rows=10, predicted=0.2, observed=0.3)
    return Result(
        protocol=name,
        data_set="shop",
        task=name,
        metric=metric,
        query="PREDICT a < b",
        rows={"train": 1000, "validation": 100, "test": 2000},
        cutoffs={"train": 10, "validation": 1, "test": 2},
        mean_label=0.5,
        regimes={"rolling": regime, "frozen": regime} if is_whole else {"rolling": regime},
        retention=0.97 if is_whole else None,
        parameters_ratio=24.0 if is_whole else None,
        staleness={"0h": 0.74, "14d": 0.73, "missing": 0.7} if is_whole else {},
        calibration={"deep": (point, point)} if is_whole else {},
        facts={},
        seconds={},
        published=(Published(model="Others", value=0.71, source="a paper"),) if is_whole else (),
        machine=this_machine(),
    )


def test_everything_that_was_found_is_drawn(tmp_path: Path) -> None:
    text = write_page([sample("churn", is_whole=True)], tmp_path).read_text()
    for told in (
        "shop, churn",
        "PREDICT a &lt; b",
        "2,000",
        "97 %",
        "24 times smaller",
        "0.7500",
        "Others (published)",
    ):
        assert told in text
    assert text.count("<svg") == 4
    assert "<script" not in text


@pytest.mark.parametrize("metric", ["mae", "map", "accuracy", "macro_auroc"])
def test_what_is_not_there_is_left_out(metric: str, tmp_path: Path) -> None:
    skipped = [Skipped(protocol="sales", reason="no folder `x`")]
    results = [sample("churn", is_whole=False, metric=metric), sample("more", is_whole=False)]
    text = write_page(results, tmp_path, skipped).read_text()
    assert text.count("<svg") == 2
    assert "Paired differences" not in text
    assert "no folder `x`" in text
