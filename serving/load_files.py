"""A run of load as files: the histogram that HdrHistogram's own plotter reads, the summary, and a picture."""

import json
from dataclasses import asdict
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from model.errors import UserError
from serving.load_result import LoadResult

HISTOGRAM_FILE, SUMMARY_FILE, PLOT_FILE = "latency.hgrm", "summary.json", "latency.svg"
_US_PER_MS = 1000.0


def write_files(result: LoadResult, folder: Path, *, title: str) -> tuple[Path, ...]:
    """Write `latency.hgrm` (milliseconds by percentile), `summary.json` and `latency.svg`.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / HISTOGRAM_FILE).open("wb") as stream:
            result.histogram().output_percentile_distribution(stream, _US_PER_MS)
        (folder / SUMMARY_FILE).write_text(json.dumps(asdict(result.summary()), indent=2) + "\n")
        with mpl.rc_context({"svg.hashsalt": "stillhouse"}):
            plot(result, title).savefig(folder / PLOT_FILE, metadata={"Date": None})
    except OSError as error:
        raise UserError(f"cannot write `{folder}`: {error.strerror or error}") from error
    return tuple(folder / name for name in (HISTOGRAM_FILE, SUMMARY_FILE, PLOT_FILE))


def plot(result: LoadResult, title: str) -> Figure:
    """Latency by percentile, the tail spread out, and latency over time."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    by_percentile, by_time = figure.subplots(1, 2)
    figure.suptitle(title)
    ordered = np.sort(result.counted_ms())
    if len(ordered):
        beyond = 1 - np.arange(1, len(ordered) + 1) / (len(ordered) + 1)
        by_percentile.plot(1 / beyond, ordered)
    ticks = [2, 10, 100, 1000, 10_000]
    by_percentile.set_xscale("log")
    by_percentile.set_xticks(ticks, ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"])
    by_percentile.minorticks_off()
    by_percentile.set_xlabel("share of requests at or below")
    by_percentile.set_ylabel("ms from the planned time")
    intervals = [interval for interval in result.time_series() if interval.latency is not None]
    for name in ("p50_ms", "p99_ms", "max_ms"):
        values = [getattr(interval.latency, name) for interval in intervals]
        by_time.plot([interval.begin_s for interval in intervals], values, label=name.removesuffix("_ms"))
    by_time.set_yscale("log")
    by_time.set_xlabel("s")
    if intervals:
        by_time.legend()
    for axes in (by_percentile, by_time):
        axes.grid(visible=True, alpha=0.3)
    return figure
