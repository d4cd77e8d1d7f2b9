"""`report.json` and its evidence -> `report.html`, one self-contained page."""

from pathlib import Path

from demo import plots
from demo.evidence import RolloutEvidence, ScoreEvidence
from demo.report import DemoReport
from model.page.render import render


def render_page(report: DemoReport, scores: ScoreEvidence, rollout: RolloutEvidence, history: list[str]) -> str:
    """The page as HTML text; nothing in it is fetched from anywhere.

    Args:
        report: the figures.
        scores: test rows.
        rollout: every request of the release.
        history: one line for each commit of the release file, oldest first.
    """
    pictures = {
        "quality": plots.quality(report),
        "calibration": plots.calibration(scores),
        "teacher_student": plots.teacher_student(scores, report.fidelity),
        "latency": plots.latency(rollout, report),
        "time_line": plots.time_line(rollout),
    }
    return render(Path(__file__).parent, pictures, report=report, history=history)
