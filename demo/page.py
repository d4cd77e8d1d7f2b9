"""`report.json` and its evidence -> `report.html`, one self-contained page."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from demo import plots
from demo.evidence import RolloutEvidence, ScoreEvidence
from demo.report import DemoReport


def render_page(report: DemoReport, scores: ScoreEvidence, rollout: RolloutEvidence, history: list[str]) -> str:
    """The page as HTML text; nothing in it is fetched from anywhere.

    Args:
        report: the figures.
        scores: test rows.
        rollout: every request of the release.
        history: one line for each commit of the release file, oldest first.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["short"] = lambda digest: digest.removeprefix("sha256:")[:12]
    pictures = {
        "quality": plots.quality(report),
        "calibration": plots.calibration(scores),
        "teacher_student": plots.teacher_student(scores, report.fidelity),
        "latency": plots.latency(rollout, report),
        "time_line": plots.time_line(rollout),
    }
    safe = {name: Markup(picture) for name, picture in pictures.items()}  # noqa: S704 our own SVG
    return environment.get_template("page.html.jinja").render(report=report, pictures=safe, history=history)
