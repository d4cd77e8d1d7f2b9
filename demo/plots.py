"""Evidence -> SVG pictures: one function, one picture."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from demo.evidence import RolloutEvidence, ScoreEvidence
from demo.report import DemoReport
from model.page.picture import COPPER, GOLD, GREY, GRID, INK, MUTED, RED, TEAL, picture

MODEL_COLOURS = {
    "deep": TEAL,
    "distilled": COPPER,
    "distilled_without_embedding": GOLD,
    "lightgbm_dfs": GREY,
    "lightgbm_entity": GREY,
}
VERSION_COLOURS = (GREY, TEAL, RED, GOLD, COPPER)


def quality(report: DemoReport) -> str:
    """AUROC of the five models with their intervals."""
    names = ["lightgbm_entity", "distilled_without_embedding", "lightgbm_dfs", "distilled", "deep"]
    with picture(10.4, 3.1) as (figure, pieces):
        axes = figure.subplots()
        for position, name in enumerate(names):
            interval = getattr(report.auroc_intervals, name)
            axes.barh(position, interval.value - 0.5, left=0.5, color=MODEL_COLOURS[name], height=0.56, alpha=0.9)
            axes.plot([interval.low, interval.high], [position, position], color=INK, linewidth=1.6)
            axes.text(interval.high + 0.006, position, f"{interval.value:.3f}", va="center", fontsize=10)
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.set_xlim(0.5, max(getattr(report.auroc_intervals, name).high for name in names) + 0.04)
        axes.set_xlabel("AUROC on the test rows; line: 95 % bootstrap interval")
        axes.grid(axis="y", visible=False)
    return pieces[0]


def calibration(evidence: ScoreEvidence) -> str:
    """Predicted probability against observed share, in ten equally filled bins."""
    with picture(4.4, 3.6) as (figure, pieces):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        for name in ("deep", "distilled"):
            predicted = evidence.scores[name]
            bins = np.array_split(np.argsort(predicted, kind="stable"), 10)
            x = [predicted[rows].mean() for rows in bins if len(rows)]
            y = [evidence.label[rows].mean() for rows in bins if len(rows)]
            axes.plot(x, y, marker="o", markersize=4, color=MODEL_COLOURS[name], label=name)
        axes.set(xlabel="predicted probability", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, loc="upper left")
    return pieces[0]


def teacher_student(evidence: ScoreEvidence, fidelity: float) -> str:
    """The distilled model's probability against the deep model's, at most two thousand rows."""
    rows = np.random.default_rng(0).permutation(len(evidence.label))[:2_000]
    with picture(4.4, 3.6) as (figure, pieces):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        axes.scatter(
            evidence.scores["deep"][rows],
            evidence.scores["distilled"][rows],
            s=5,
            color=COPPER,
            alpha=0.35,
            linewidths=0,
        )
        axes.text(0.04, 0.93, f"rank correlation {fidelity:.3f}", transform=axes.transAxes)
        axes.set(xlabel="deep (teacher)", ylabel="distilled (student)", xlim=(0, 1), ylim=(0, 1))
    return pieces[0]


def latency(evidence: RolloutEvidence, report: DemoReport) -> str:
    """How long answers took, from the intended send time."""
    values = evidence.latency_ms[evidence.ok]
    with picture(10.4, 3.0) as (figure, pieces):
        axes = figure.subplots()
        edges = np.geomspace(max(values.min(), 0.1), max(values.max(), 1.0), 70).tolist()
        axes.hist(values, bins=edges, color=COPPER, alpha=0.85)
        for name, value in (("p50", report.latency_ms.p50), ("p99", report.latency_ms.p99)):
            axes.axvline(value, color=INK, linewidth=1)
            axes.text(value, axes.get_ylim()[1] * 0.96, f" {name} {value:.1f} ms", va="top", fontsize=9)
        axes.set(xscale="log", xlabel="milliseconds (log scale)", ylabel="requests")
        axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    return pieces[0]


def time_line(evidence: RolloutEvidence, bin_s: float = 2.0) -> str:
    """Weights asked for, shares observed, failures and p99, second by second."""
    versions = list(dict.fromkeys(name for step in evidence.steps for name in step.weights))
    colours = dict(zip(versions, VERSION_COLOURS, strict=False))
    end_s = evidence.steps[-1].end_s
    edges = np.arange(0, end_s + bin_s, bin_s)
    slot = np.digitize(evidence.intended_s, edges) - 1
    with picture(10.4, 5.4) as (figure, pieces):
        shares, tail, failures = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
        _weights(shares, evidence, versions, colours)
        centres = edges[:-1] + bin_s / 2
        answered = np.array([np.count_nonzero((slot == i) & (evidence.version != "")) for i in range(len(centres))])
        for version in versions:
            mine = np.array(
                [np.count_nonzero((slot == i) & (evidence.version == version)) for i in range(len(centres))]
            )
            seen = (mine > 0) & (answered > 0)
            shares.plot(
                centres[seen], 100 * mine[seen] / answered[seen], ".", color=colours[version], markersize=8,
                markeredgecolor="white", markeredgewidth=0.6,
            )  # fmt: skip
        p99 = [_p99(evidence.latency_ms[(slot == i) & evidence.ok]) for i in range(len(centres))]
        tail.plot(centres, p99, color=INK, linewidth=1.2)
        tail.set(ylabel="p99 [ms]", ylim=(0, None))
        failed = [np.count_nonzero((slot == i) & ~evidence.ok) for i in range(len(centres))]
        failures.bar(centres, failed, width=bin_s * 0.9, color=RED)
        failures.set(ylabel="failed", xlabel="seconds since the load began", xlim=(0, end_s))
        failures.yaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, nbins=3))
    return pieces[0]


def _weights(axes: Axes, evidence: RolloutEvidence, versions: list[str], colours: dict[str, str]) -> None:
    """Stepped lines of the weights, and the name of each step above them."""
    for version in versions:
        begins = [step.start_s for step in evidence.steps]
        ends = [*begins[1:], evidence.steps[-1].end_s]
        x = [edge for pair in zip(begins, ends, strict=True) for edge in pair]
        y = [float(step.weights.get(version, 0)) for step in evidence.steps for _ in range(2)]
        axes.plot(x, y, color=colours[version], linewidth=2, label=version)
    for number, step in enumerate(evidence.steps):
        axes.axvline(step.start_s, color=GRID, linewidth=1)
        axes.text(step.start_s + 0.5, 116 if number % 2 else 106, step.name, fontsize=8, color=MUTED)
    axes.set(ylabel="% of traffic", ylim=(-4, 126), yticks=(0, 25, 50, 75, 100))
    axes.legend(
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 0.9),
        title="line: asked\ndot: observed",
        title_fontsize=8,
        fontsize=9,
    )


def _p99(values: np.ndarray) -> float:
    return float(np.percentile(values, 99)) if len(values) else float("nan")
