"""The names in `report.json` are stable and documented."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from demo.report import DemoReport
from tests.demo.samples import sample_report

STABLE = {
    "auroc": {"deep", "distilled", "distilled_without_embedding", "lightgbm_entity", "lightgbm_dfs"},
    "parameters": {"deep", "distilled"},
    "requests": {"sent", "failed", "failed_by_bad_version"},
    "latency_ms": {"p50", "p99"},
    "split": {"expected", "observed"},
    "rollout": {"promoted", "rolled_back", "rollback_seconds"},
    "refresh": {"seconds", "failed"},
}


def test_stable_names_are_there() -> None:
    document: dict[str, Any] = sample_report().model_dump(mode="json")
    for part, names in STABLE.items():
        assert names <= set(document[part])
    assert {"seconds", "versions", "machine"} <= set(document)


def test_every_top_level_name_is_documented() -> None:
    words = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
    for name in DemoReport.model_fields:
        assert f"`{name}" in words, name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValidationError, match="surprise"):
        DemoReport.model_validate(sample_report().model_dump() | {"surprise": 1})
