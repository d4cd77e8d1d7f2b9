"""The figures of README and docs come from the report, and stand where the marks are."""

from datetime import date

import pytest

from demo.report import Machine
from model.errors import UserError
from tests.rollout_report.figures import ROOT, placed, sentence, table
from tests.rollout_report.report import Faults, Jwt, RollbackSeconds, RolloutReport, Simulation, WeightChanges

REPORT = RolloutReport(
    weight_changes=WeightChanges(count=50, sent=4321, lost=7),
    rollback_seconds=RollbackSeconds(count=12, median=0.27, max=0.42, lost=3),
    simulation=Simulation(
        aa_rollouts=2000, aa_false_rollbacks=4, alpha=0.04, caught_5_percent_looks_median=1.0, tail_power=0.987
    ),
    faults=Faults(tried=20, survived=19, each=()),
    jwt=Jwt(cases=71, wrong=1),
    machine=Machine(cpu="a processor", cores=2, memory_gib=8.0, system="Linux", python="3.11"),
)


def test_every_figure_is_told_with_its_day() -> None:
    text = table(REPORT, date(2026, 11, 29))
    for words in ("2026-11-29", "7 of 4,321", "0.27 s (median), 0.42 s", "4 rolled back (0.2 %)", "look 1", "19 of 20"):
        assert words in text, words
    assert "1 of 71 tokens judged wrong" in sentence(REPORT)
    assert "fewer than half" in table(
        REPORT.model_copy(
            update={"simulation": REPORT.simulation.model_copy(update={"caught_5_percent_looks_median": None})}
        ),
        date(2026, 11, 29),
    )


def test_the_text_goes_between_the_marks_and_a_page_without_them_is_refused() -> None:
    page = "before\n<!-- rollouts: how -->\nold\n<!-- /rollouts -->\nafter\n"
    assert placed(page, "new\n", place="p") == page.replace("old", "new")
    with pytest.raises(UserError, match=r"got 0, needs one pair"):
        placed("nothing", "new\n", place="p")


@pytest.mark.parametrize("page", ["README.md", "docs/releases.md"])
def test_both_pages_have_figures_of_a_report(page: str) -> None:
    text = (ROOT / page).read_text()
    assert placed(text, "", place=page) != text, "something stands between the marks"
