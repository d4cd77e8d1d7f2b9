"""The report keeps its names, and the plan reads it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.contest import endpoint_of, held_of, rate_of
from bench.report import REPORT_FILE, Report, read_report, write_report
from bench.table import markdown, table
from stacks.capacity import cpu_points
from tests.bench.samples import turn


def sample() -> Report:
    return Report(
        machine="a machine, 2 cores",
        measured={"endpoint": "2026-11-29 06:37 UTC, load average 2.0"},
        bound_ms=10,
        endpoint=endpoint_of([turn(1_000)]),
        limit=rate_of([turn(1_250)]),
        ratio_to_limit=0.8,
        ratio_to_limit_range=(0.8, 0.8),
        peers={"fastapi": rate_of([turn(250)])},
        best_peer="fastapi",
        ratio_to_best_peer=4.0,
        ratio_to_best_peer_range=(4.0, 4.0),
        steps=held_of([turn(1_000)], 10),
    )


def test_the_names_are_stable(tmp_path: Path) -> None:
    write_report(sample(), tmp_path)
    report = json.loads((tmp_path / REPORT_FILE).read_text())
    assert {"rate", "p50_ms", "p99_ms", "p999_ms", "failed", "requests"} <= set(report["endpoint"])
    assert report["limit"]["rate"] == 1_250
    assert report["peers"]["fastapi"]["rate"] == 250
    assert report["peers"]["fastapi"]["p99_ms"] == 5.0
    assert (report["ratio_to_limit"], report["ratio_to_best_peer"]) == (0.8, 4.0)
    assert "microseconds" not in report  # not measured: not there, and not zero
    assert read_report(tmp_path) == sample()


def test_what_is_no_part_of_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Report.model_validate({"machine": "x", "bound_ms": 10, "ratio": 1})


def test_nothing_was_measured_yet(tmp_path: Path) -> None:
    assert read_report(tmp_path) is None


def test_the_plan_reads_the_held_rates(tmp_path: Path) -> None:
    points = cpu_points(write_report(sample(), tmp_path))
    assert [(point.qps, point.p99_ms) for point in points] == [(500, 5.0), (1_000, 5.0)]
    assert "a machine, 2 cores" in points[0].source


def test_the_table_names_everyone_with_the_fastest_peer_first() -> None:
    report = sample().model_copy(update={"peers": {"a": rate_of([turn(100)]), "b": rate_of([turn(250)])}})
    text = table(report)
    assert text.index("this endpoint") < text.index("the limit") < text.index("| b") < text.index("| a")
    assert "ratio to the best peer (fastapi): 4.00" in text
    assert "0 of 5,000" in text


def test_a_table_is_aligned() -> None:
    lines = markdown(("", "rate"), [("a", "1"), ("long name", "1,000")]).splitlines()
    assert len({len(line) for line in lines}) == 1
