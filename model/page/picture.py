"""Our look, and a matplotlib figure in it as SVG to be put into a page.

with picture(10.4, 3.0) as (figure, pieces):
    figure.subplots().plot(x, y, color=TEAL)
svg = pieces[0]
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1f2933", "#6b7785", "#e4e7eb"
COPPER, TEAL, GOLD, RED, GREY = "#b4632c", "#1b7f79", "#d9a441", "#c0392b", "#9aa5b1"
LOOK: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "stillhouse",
    "figure.constrained_layout.use": True,
}


@contextmanager
def picture(width_in: float, height_in: float) -> Iterator[tuple[Figure, list[str]]]:
    """A figure in our look; after the block its SVG stands in the list."""
    pieces: list[str] = []
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(width_in, height_in))
        yield figure, pieces
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    pieces.append(buffer.getvalue().split("?>", 1)[1].split("\n", 3)[-1])
