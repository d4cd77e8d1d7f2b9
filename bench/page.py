"""The report as a page that stands alone: `report.html` with the table and two pictures."""

from pathlib import Path

from matplotlib.axes import Axes

from bench.report import Report
from bench.table import ENDPOINT_NAME, LIMIT_NAME, table
from model.page.picture import COPPER, GREY, INK, TEAL, picture
from model.page.render import render

PAGE_FILE = "report.html"


def write_page(report: Report, folder: Path) -> Path:
    """Write it beside `report.json`."""
    path = folder / PAGE_FILE
    path.write_text(render(Path(__file__).parent, {"speed": _picture(report)}, report=report, table=table(report)))
    return path


def _picture(report: Report) -> str:
    """SVG: rates with the range of the rounds, and processor time by part."""
    with picture(12, 4.5) as (figure, pieces):
        rates, spent = figure.subplots(1, 2)
        _rates(rates, report)
        names = [name for name in report.microseconds if name != "model_in_all"]
        values = [report.microseconds[name] for name in names]
        spent.barh([name.replace("_", " ") for name in names], values, color=COPPER, height=0.6)
        spent.set_xlabel("processor microseconds a request")
        for axes in (rates, spent):
            axes.invert_yaxis()
            axes.grid(visible=False, axis="y")
    return pieces[0]


def _rates(axes: Axes, report: Report) -> None:
    named = {LIMIT_NAME: report.limit, ENDPOINT_NAME: report.endpoint, **report.peers}
    shown = {name: rate for name, rate in named.items() if rate is not None}
    medians = [rate.rate for rate in shown.values()]
    ranges = [
        [rate.rate - min(rate.rates) for rate in shown.values()],
        [max(rate.rates) - rate.rate for rate in shown.values()],
    ]
    colours = [GREY if name == LIMIT_NAME else TEAL if name == ENDPOINT_NAME else COPPER for name in shown]
    axes.barh(list(shown), medians, xerr=ranges, color=colours, height=0.6, ecolor=INK)
    axes.set_xlabel(f"requests/s at p99 <= {report.bound_ms:g} ms")
