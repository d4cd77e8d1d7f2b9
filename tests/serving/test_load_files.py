"""The files of a run."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.errors import UserError
from serving.load_files import HISTOGRAM_FILE, PLOT_FILE, SUMMARY_FILE, write_files
from serving.load_result import LoadRecorder, LoadResult


def run_of(count: int) -> LoadResult:
    recorder = LoadRecorder(timeout_s=1)
    for number in range(count):
        recorder.add(planned_s=number / 100, latency_ms=1.0 + number, late_ms=0.0, status=200, version="v1")
    return recorder.result()


def test_the_histogram_holds_every_request(tmp_path: Path) -> None:
    write_files(run_of(500), tmp_path / "run", title="a run")
    lines = [line.split() for line in (tmp_path / "run" / HISTOGRAM_FILE).read_text().splitlines()]
    rows = np.array([[float(cell) for cell in line[:3]] for line in lines if line and line[0][0].isdigit()])
    assert rows[-1].tolist() == pytest.approx([500.0, 1.0, 500], rel=1e-3)
    np.testing.assert_allclose(rows[:, 0], rows[:, 2], rtol=1e-2)  # the nth slowest took n ms
    said = json.loads((tmp_path / "run" / SUMMARY_FILE).read_text())
    assert said["requests"] == 500
    assert said["quotes"]["p99.9"]["value_ms"] is None
    assert (tmp_path / "run" / PLOT_FILE).read_text().startswith("<?xml")


def test_a_run_without_requests_has_files_too(tmp_path: Path) -> None:
    assert all(path.exists() for path in write_files(run_of(0), tmp_path, title="nothing"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_files(run_of(1), tmp_path / "file", title="")
