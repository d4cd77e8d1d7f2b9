"""The report as a page that stands alone: `report.html` with the table and two pictures."""

from html import escape
from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import Report
from bench.table import ENDPOINT_NAME, LIMIT_NAME, table

PAGE_FILE = "report.html"


def write_page(report: Report, folder: Path) -> Path:
    """Write it beside `report.json`."""
    path = folder / PAGE_FILE
    measured = "".join(f"<li>{escape(part)}: {escape(when)}</li>" for part, when in report.measured.items())
    path.write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Benchmark</title>
<style>body {{ font-family: sans-serif; max-width: 70em; margin: 2em auto }} pre {{ overflow-x: auto }}</style>
<h1>Benchmark</h1><p>{escape(report.machine)}</p><ul>{measured}</ul>{_picture(report)}<pre>{escape(table(report))}</pre>
</html>
"""
    )
    return path


def _picture(report: Report) -> str:
    """SVG: rates with the range of the rounds, and processor time by part."""
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    rates, spent = figure.subplots(1, 2)
    _rates(rates, report)
    names = [name for name in report.microseconds if name != "model_in_all"]
    spent.barh([name.replace("_", " ") for name in names], [report.microseconds[name] for name in names])
    spent.set_xlabel("processor microseconds a request")
    for axes in (rates, spent):
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x", alpha=0.3)
    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": "stillhouse"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]


def _rates(axes: Axes, report: Report) -> None:
    named = {LIMIT_NAME: report.limit, ENDPOINT_NAME: report.endpoint, **report.peers}
    shown = {name: rate for name, rate in named.items() if rate is not None}
    medians = [rate.rate for rate in shown.values()]
    ranges = [
        [rate.rate - min(rate.rates) for rate in shown.values()],
        [max(rate.rates) - rate.rate for rate in shown.values()],
    ]
    axes.barh(list(shown), medians, xerr=ranges)
    axes.set_xlabel(f"requests/s at p99 <= {report.bound_ms:g} ms")
