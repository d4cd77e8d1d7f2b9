"""Pictures: each is one whole SVG, the same evidence gives the same picture."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from demo import plots
from tests.demo.samples import sample_report, sample_rollout, sample_scores

PICTURES: dict[str, Callable[[], str]] = {
    "quality": lambda: plots.quality(sample_report()),
    "calibration": lambda: plots.calibration(sample_scores()),
    "teacher_student": lambda: plots.teacher_student(sample_scores(), 0.98),
    "latency": lambda: plots.latency(sample_rollout(), sample_report()),
    "time_line": lambda: plots.time_line(sample_rollout()),
}


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_picture_is_one_svg_and_repeats(name: str) -> None:
    first = PICTURES[name]()
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert first == PICTURES[name]()


def test_time_line_stands_a_stretch_without_answers() -> None:
    rollout = sample_rollout()
    silent = (rollout.intended_s > 20) & (rollout.intended_s < 26)
    gap = replace(rollout, ok=rollout.ok & ~silent, version=np.where(silent, "", rollout.version))
    assert "<svg" in plots.time_line(gap)
