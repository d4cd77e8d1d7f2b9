"""Results of all protocols as one `report.json`, whose names are stable, and its tables for docs/model.md."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from model.protocol.outcome import (
    DifferenceResult,
    Machine,
    ModelResult,
    RegimeResult,
    Result,
    markdown,
    number,
    this_machine,
)

Of = dict[str, dict[str, Any]]
_T = TypeVar("_T")


class Skipped(BaseModel):
    """A protocol that did not run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: str
    reason: str


class Report(BaseModel):
    """Keys of each part are data set, then task."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    results: dict[str, dict[str, dict[str, ModelResult]]]
    """By model, rolling."""
    frozen: dict[str, dict[str, dict[str, ModelResult]]]
    """By model, where there is more than one test window."""
    differences: dict[str, dict[str, tuple[DifferenceResult, ...]]]
    """Rolling."""
    without: dict[str, dict[str, dict[str, dict[str, ModelResult]]]]
    """By signal that is switched off, then model."""
    metric: dict[str, dict[str, str]]
    retention: dict[str, dict[str, float | None]]
    parameters_ratio: dict[str, dict[str, float | None]]
    staleness: dict[str, dict[str, dict[str, float]]]
    closed: dict[str, dict[str, float]]
    """(deep - lightgbm_entity) / (oracle - lightgbm_entity), where there is an oracle."""
    skipped: tuple[Skipped, ...]
    machine: Machine


def make_report(
    results: Sequence[Result], without: Mapping[str, Sequence[Result]], skipped: Sequence[Skipped]
) -> Report:
    """Sort results by data set and task.

    Args:
        results: of the protocols as they are.
        without: of the simulated shop, by signal switched off.
        skipped: what did not run.
    """
    return Report(
        results=_by(results, lambda r: dict(r.regimes["rolling"].models)),
        frozen=_by([r for r in results if "frozen" in r.regimes], lambda r: dict(r.regimes["frozen"].models)),
        differences=_by(results, lambda r: r.regimes["rolling"].differences),
        without=_without(without),
        metric=_by(results, lambda r: r.metric),
        retention=_by(results, lambda r: r.retention),
        parameters_ratio=_by(results, lambda r: r.parameters_ratio),
        staleness=_by([r for r in results if r.staleness], lambda r: r.staleness),
        closed=_by([r for r in results if closed(r) is not None], lambda r: closed(r) or 0.0),
        skipped=tuple(skipped),
        machine=this_machine(),
    )


def closed(result: Result) -> float | None:
    """Share of the way from the entity's own columns to the oracle that the deep model goes."""
    means = {name: model.mean for name, model in result.regimes["rolling"].models.items()}
    if not {"oracle", "deep", "lightgbm_entity"} <= means.keys():
        return None
    return (means["deep"] - means["lightgbm_entity"]) / (means["oracle"] - means["lightgbm_entity"])


def tables(report: Report, results: Sequence[Result]) -> str:
    """The whole as markdown."""
    return "\n".join(_lines(report, results))


def _lines(report: Report, results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        yield f"### {result.data_set}, {result.task}\n"
        yield f"`{result.query}`\n"
        rows = ", ".join(f"{count:,} {split}" for split, count in result.rows.items())
        yield f"Rows: {rows}; {result.cutoffs['test']} test windows; mean label {result.mean_label:.3g}.\n"
        yield markdown(result)
        yield from _differences(result.metric, result.regimes)
        yield from _student(result)
    for data_set, tasks in report.without.items():
        for task, signals in tasks.items():
            yield f"### {data_set}, {task}, with a signal switched off\n"
            models = list(next(iter(signals.values())))
            yield f"| without | {' | '.join(name.replace('_', ' ') for name in models)} |"
            yield f"| --- |{' ---: |' * len(models)}"
            metric = report.metric[data_set][task]
            for signal, found in signals.items():
                cells = " | ".join(number(metric, found[name].mean) for name in models)
                yield f"| {signal.replace('_', ' ')} | {cells} |"
            yield ""
    for each in report.skipped:
        yield f"Skipped: `{each.protocol}` ({each.reason}).\n"


def _differences(metric: str, regimes: Mapping[Any, RegimeResult]) -> Iterator[str]:
    for regime, found in regimes.items():
        for d in found.differences:
            low, high = number(metric, d.low), number(metric, d.high)
            yield f"- {d.first} - {d.second}, {regime}: {number(metric, d.mean)} ({low} to {high})"
    yield ""


def _student(result: Result) -> Iterator[str]:
    if (share := closed(result)) is not None:
        yield f"Deep goes {share:.0%} of the way from LightGBM on the entity's own columns to the oracle.\n"
    if result.parameters_ratio is None:
        return
    kept = "no lift to keep" if result.retention is None else f"{result.retention:.1%} of deep's lift kept"
    ages = ", ".join(f"{name.replace('_', ' ')} {number(result.metric, v)}" for name, v in result.staleness.items())
    yield f"Distilled: {result.parameters_ratio:.1f} times fewer parameters, {kept}. By embedding: {ages}.\n"


def _by(results: Sequence[Result], value: Callable[[Result], _T]) -> dict[str, dict[str, _T]]:
    found: dict[str, dict[str, _T]] = {}
    for result in results:
        found.setdefault(result.data_set, {})[result.task] = value(result)
    return found


def _without(without: Mapping[str, Sequence[Result]]) -> dict[str, dict[str, dict[str, dict[str, ModelResult]]]]:
    found: dict[str, dict[str, dict[str, dict[str, ModelResult]]]] = {}
    for signal, results in without.items():
        for result in results:
            signals = found.setdefault(result.data_set, {}).setdefault(result.task, {})
            signals[signal] = dict(result.regimes["rolling"].models)
    return found
