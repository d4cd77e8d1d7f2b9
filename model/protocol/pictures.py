"""What a protocol found -> SVG pictures: one function, one picture."""

from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.axes import Axes

from model.page.picture import COPPER, GOLD, GREY, INK, MUTED, TEAL, picture
from model.protocol.outcome import METRIC_WORDS, DifferenceResult, Result, number

_AGES = ("0h", "12h", "3d", "14d")
_LACKING = {"missing": "no em-\nbedding", "no_interactions": "no inter-\nactions"}
_ROW_IN, _FRAME_IN, _WIDTH_IN = 0.34, 0.75, 10.4
_COLOURS = {"deep": TEAL, "distilled": COPPER, "oracle": GOLD}
_MARKERS: Mapping[str, str] = {"rolling": "o", "frozen": "s"}


def quality(result: Result) -> str:
    """A row a model: its metric and interval in each regime, and below what others have published."""
    names = list(result.regimes["rolling"].models)
    places = {name: row for row, name in enumerate(names)}
    height = _FRAME_IN + _ROW_IN * (len(names) + len(result.published))
    with picture(_WIDTH_IN, height) as (figure, pieces):
        axes = figure.subplots()
        shift = 0.14 if len(result.regimes) > 1 else 0.0
        for regime, found in result.regimes.items():
            for name, one in found.models.items():
                place = places[name] + (shift if regime == "frozen" else -shift)
                fill = "white" if regime == "frozen" else _colour(name)
                _interval(axes, place, one.mean, (one.low, one.high), _colour(name), _MARKERS[regime], fill)
                if regime == "rolling":
                    _word(axes, one.high, place, number(result.metric, one.mean))
        labels = [name.replace("_", " ") for name in names]
        for row, each in enumerate(result.published, start=len(names)):
            axes.plot(each.value, row, marker="D", markersize=5, color=GREY, linestyle="none")
            _word(axes, each.value, row, f"{each.value:g}, {each.regime}")
            labels.append(f"{each.model} (published)")
        word = METRIC_WORDS[result.metric]
        better = "lower is better" if result.metric == "mae" else "higher is better"
        _rows(axes, labels, f"{word} on the test rows, {better}; line: 95 % interval; filled: rolling, hollow: frozen")
    return pieces[0]


def differences(result: Result) -> str:
    """A row a pair and regime: the difference with its interval, beside zero; strong where zero lies outside."""
    found = [(regime, one) for regime, each in result.regimes.items() for one in each.differences]
    with picture(_WIDTH_IN, _FRAME_IN + _ROW_IN * len(found)) as (figure, pieces):
        axes = figure.subplots()
        axes.axvline(0, color=INK, linewidth=1)
        for row, (regime, one) in enumerate(found):
            colour = _verdict_colour(one, result.metric)
            fill = "white" if regime == "frozen" else colour
            _interval(axes, row, one.mean, (one.low, one.high), colour, _MARKERS[regime], fill)
            _word(axes, one.high, row, _signed(result.metric, one.mean))
        _rows(
            axes,
            [f"{one.first} - {one.second}, {regime}".replace("_", " ") for regime, one in found],
            f"difference in {METRIC_WORDS[result.metric]} on the same rows; green: the first is better, brown: worse",
        )
    return pieces[0]


def staleness(result: Result) -> str:
    """The distilled model by the age of its embedding, then what is left without this or that."""
    names = list(result.staleness)
    ages = [name for name in _AGES if name in names]
    others = [name for name in names if name not in ages]
    deep = result.regimes["rolling"].models.get("deep")
    with picture(5.0, 3.4) as (figure, pieces):
        axes = figure.subplots()
        if deep is not None:
            axes.axhline(deep.mean, color=TEAL, linewidth=1.2, linestyle="--", label="deep")
        axes.plot(
            range(len(ages)), [result.staleness[one] for one in ages], color=COPPER, marker="o", label="distilled"
        )
        places = range(len(ages), len(names))
        axes.plot(places, [result.staleness[one] for one in others], color=COPPER, marker="o", linestyle="none")
        labels = [*ages, *(_LACKING.get(one, one) for one in others)]
        axes.set_xticks(range(len(names)), labels, fontsize=8)
        axes.set(xlabel="age of the embedding, or what a request lacks", ylabel=METRIC_WORDS[result.metric])
        axes.legend(frameon=False, fontsize=9)
        axes.margins(y=0.15)
    return pieces[0]


def calibration(result: Result) -> str:
    """Predicted chance against observed share, the first seed's, rolling; the larger a dot, the more rows."""
    with picture(5.0, 3.4) as (figure, pieces):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        styles = ("-", ":", "-.", "--")
        for position, (name, points) in enumerate(result.calibration.items()):
            x, y = [one.predicted for one in points], [one.observed for one in points]
            most = max(one.rows for one in points)
            style = "-" if name in _COLOURS else styles[position % len(styles)]
            axes.plot(x, y, color=_colour(name), linewidth=1.2, linestyle=style, label=name.replace("_", " "))
            axes.scatter(x, y, s=[4 + 30 * one.rows / most for one in points], color=_colour(name), linewidths=0)
        axes.set(xlabel="predicted chance", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, loc="upper left", fontsize=9)
    return pieces[0]


def _colour(name: str) -> str:
    return _COLOURS.get(name, MUTED)


def _verdict_colour(one: DifferenceResult, metric: str) -> str:
    if one.low <= 0 <= one.high:
        return MUTED
    return TEAL if (one.mean < 0) == (metric == "mae") else COPPER


def _interval(
    axes: Axes, row: float, mean: float, ends: tuple[float, float], colour: str, marker: str, fill: str
) -> None:
    axes.plot(ends, (row, row), color=colour, linewidth=1.8, solid_capstyle="butt")
    axes.plot(mean, row, marker=marker, markersize=6.5, color=colour, markerfacecolor=fill, linestyle="none")


def _word(axes: Axes, x: float, row: float, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.annotate(
        text, (x, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=INK, bbox=box
    )


def _rows(axes: Axes, labels: list[str], xlabel: str) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_xlabel(xlabel)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=8))


def _signed(metric: str, value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(metric, value)}"
