"""The page is whole, says what the report says, and fetches nothing."""

import re

import numpy as np

from demo.evidence import RolloutEvidence, Step
from demo.report import this_machine
from tests.rollout_report.measure import Changed, RolledBack
from tests.rollout_report.page import render_page
from tests.rollout_report.report import Jwt, RollbackSeconds, RolloutReport, Simulation, WeightChanges
from tests.rollout_report.tried import faults
from tests.serving.faults.catalogue import CATALOGUE


def test_the_page_shows_every_figure_and_fetches_nothing() -> None:
    times = np.arange(0.0, 4.0, 0.05)
    evidence = RolloutEvidence(
        intended_s=times,
        latency_ms=np.full(len(times), 5.0),
        ok=np.ones(len(times), dtype=bool),
        version=np.where(np.arange(len(times)) % 2 == 0, "v1", "v2"),
        steps=(Step(name="", start_s=0.0, end_s=4.0, weights={"v1": 50, "v2": 50}),),
    )
    changed = Changed(figures=WeightChanges(count=50, sent=4321, lost=7), evidence=evidence)
    seconds = (0.11, 0.42)
    rolled_back = RolledBack(figures=RollbackSeconds(count=2, median=0.27, max=0.42, lost=0), seconds=seconds)
    outcomes = {test: [True] for fault in CATALOGUE[1:] for test in fault.tests}
    report = RolloutReport(
        weight_changes=changed.figures,
        rollback_seconds=rolled_back.figures,
        simulation=Simulation(
            aa_rollouts=2000, aa_false_rollbacks=3, alpha=0.04, caught_5_percent_looks_median=None, tail_power=0.987
        ),
        faults=faults(outcomes),
        jwt=Jwt(cases=71, wrong=1),
        machine=this_machine(),
    )
    page = render_page(report, changed, rolled_back)
    for words in ("<b>7</b>", "of 4,321 requests", "0.42 s", "19 of 20", "98.7 %", "of 71 tokens", "fewer than half"):
        assert words in page, words
    assert page.count("NOT survived") == 1
    assert all(fault.words in page for fault in CATALOGUE)
    assert page.count("<svg") == 2
    assert not re.search(r"""(src|href)\s*=\s*["'](https?:)?//""", page)
