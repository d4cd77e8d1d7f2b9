"""What the benchmark compares: the planner and two hand-written statements label the same rows."""

from typing import Any

import pytest

from model.shop.simulate import PRESETS, generate_shop
from scripts.bench_query import WAYS, measure, report_of


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    tables = tmp_path_factory.mktemp("bench") / "tables"
    generate_shop(PRESETS["tiny"], tables)
    return {way: measure(way, tables) for way in WAYS}


def test_all_ways_label_the_same_rows(measured: dict[str, dict[str, Any]]) -> None:
    assert len({(run["rows"], run["positive"]) for run in measured.values()}) == 1
    assert 0 < measured["planned"]["positive"] < measured["planned"]["rows"]


def test_the_ratio_is_to_the_faster_statement(measured: dict[str, dict[str, Any]]) -> None:
    runs = {
        way: [{**measured[way], "seconds": seconds, "cpu_seconds": seconds}]
        for way, seconds in zip(WAYS, (3, 4, 2), strict=True)
    }
    report = report_of(runs)
    assert report["ratio"] == {"seconds": 1.5, "cpu_seconds": 1.5, "against": "one_scan"}


def test_ways_that_label_differently_are_no_comparison(measured: dict[str, dict[str, Any]]) -> None:
    runs = {way: [{**measured[way], "rows": number}] for number, way in enumerate(WAYS)}
    with pytest.raises(AssertionError, match="the ways label differently"):
        report_of(runs)
