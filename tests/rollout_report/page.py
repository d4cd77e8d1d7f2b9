"""`report.json` and what it was made of -> `report.html`, one self-contained page."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from demo import plots
from tests.rollout_report.measure import Changed, RolledBack
from tests.rollout_report.report import RolloutReport

GOAL_S = 1.0


def render_page(report: RolloutReport, changed: Changed, rolled_back: RolledBack) -> str:
    """The page as HTML text; nothing in it is fetched from anywhere."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    pictures = {
        "time_line": plots.time_line(changed.evidence, bin_s=1.0),
        "rollbacks": rollbacks(rolled_back.seconds),
    }
    safe = {name: Markup(picture) for name, picture in pictures.items()}
    return environment.get_template("page.html.jinja").render(report=report, pictures=safe, goal_s=GOAL_S)


def rollbacks(seconds: Sequence[float]) -> str:
    """Each rollback as a bar, beside the goal."""
    with plots.picture(10.4, 2.6) as (figure, pieces):
        axes = figure.subplots()
        numbers = range(1, len(seconds) + 1)
        axes.bar(numbers, seconds, color=plots.TEAL, width=0.6)
        axes.axhline(GOAL_S, color=plots.RED, linewidth=1, linestyle="--")
        axes.text(len(seconds) + 0.6, GOAL_S, " goal", color=plots.RED, va="center", fontsize=9)
        axes.set(xlabel="rollback", ylabel="seconds", ylim=(0, max(1.15 * GOAL_S, 1.1 * max(seconds))))
        axes.set_xticks(list(numbers))
        axes.grid(axis="x", visible=False)
    return pieces[0]
