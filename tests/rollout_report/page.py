"""`report.json` and what it was made of -> `report.html`, one self-contained page."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binom

from demo.evidence import RolloutEvidence
from model.page.picture import INK, RED, TEAL, picture
from model.page.render import render
from tests.rollout_report.measure import Changed, RolledBack
from tests.rollout_report.report import RolloutReport

GOAL_S = 1.0
CHANCE = 0.5e-6
"""On either side, that a split as asked lies outside of what is drawn."""


def render_page(report: RolloutReport, changed: Changed, rolled_back: RolledBack) -> str:
    """The page as HTML text; nothing in it is fetched from anywhere."""
    pictures = {
        "shares": shares(changed.evidence),
        "rollbacks": rollbacks(rolled_back.seconds),
    }
    return render(Path(__file__).parent, pictures, report=report, goal_s=GOAL_S)


def shares(evidence: RolloutEvidence) -> str:
    """The candidate's weight and its observed share, change by change, and how long answers took meanwhile."""
    with picture(10.4, 4.4) as (figure, pieces):
        weights, tail = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.4))
        for step in evidence.steps:
            candidate = list(step.weights)[-1]
            inside = evidence.during(step) & (evidence.version != "")
            asked, sent = step.weights[candidate] / 100, int(inside.sum())
            got = int((evidence.version[inside] == candidate).sum())
            middle_s = (step.start_s + step.end_s) / 2
            low, high = (binom.ppf(chance, max(sent, 1), asked) / max(sent, 1) for chance in (CHANCE, 1 - CHANCE))
            weights.fill_between([step.start_s, step.end_s], 100 * low, 100 * high, color=TEAL, alpha=0.16, lw=0)
            weights.plot([step.start_s, step.end_s], [100 * asked] * 2, color=TEAL, linewidth=2)
            weights.plot(middle_s, 100 * got / max(sent, 1), ".", color=INK, markersize=7)
        weights.set(ylabel="candidate's % of traffic", ylim=(-4, 104), yticks=(0, 25, 50, 75, 100))
        begins = np.arange(0.0, evidence.steps[-1].end_s)
        slots = [evidence.latency_ms[(evidence.intended_s >= at) & (evidence.intended_s < at + 1)] for at in begins]
        p99 = [float(np.percentile(slot, 99)) if len(slot) else float("nan") for slot in slots]
        tail.plot(begins + 0.5, p99, color=INK, linewidth=1.2)
        tail.set(ylabel="p99 [ms]", ylim=(0, None), xlabel="seconds since the load began")
    return pieces[0]


def rollbacks(seconds: Sequence[float]) -> str:
    """Each rollback as a bar, beside the goal."""
    with picture(10.4, 2.6) as (figure, pieces):
        axes = figure.subplots()
        numbers = range(1, len(seconds) + 1)
        axes.bar(numbers, seconds, color=TEAL, width=0.6)
        axes.axhline(GOAL_S, color=RED, linewidth=1, linestyle="--")
        axes.text(len(seconds) + 0.6, 1.02 * GOAL_S, "goal", color=RED, ha="right", va="bottom", fontsize=9)
        axes.set(xlabel="rollback", ylabel="seconds", ylim=(0, max(1.2 * GOAL_S, 1.1 * max(seconds))))
        axes.set_xticks(list(numbers))
        axes.grid(axis="x", visible=False)
    return pieces[0]
