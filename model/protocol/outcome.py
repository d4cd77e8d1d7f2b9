"""What a protocol found: `result.json` for machines, rows of a table for people. docs/protocols.md has the names."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from model.protocol.protocol import Published, Regime

LOWER_IS_BETTER = ("mae",)
METRIC_WORDS = {"auroc": "AUROC", "accuracy": "accuracy", "macro_auroc": "macro AUROC", "mae": "MAE", "map": "MAP@k"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ModelResult(_Part):
    """One model's metric on the test rows."""

    mean: float
    """Over the seeds."""
    low: float
    high: float
    """95 % interval of the bootstrap over entities and seeds."""
    seeds: tuple[float, ...]
    """The metric of each seed."""


class DifferenceResult(_Part):
    """Metric of the first model minus metric of the second, on the same rows."""

    first: str
    second: str
    mean: float
    low: float
    high: float


class RegimeResult(_Part):
    """All models in one regime."""

    models: dict[str, ModelResult]
    differences: tuple[DifferenceResult, ...]


class CalibrationPoint(_Part):
    """Rows whose predicted chances lie in one bin."""

    rows: int
    predicted: float
    """Mean chance."""
    observed: float
    """Share of positives."""


class Machine(_Part):
    """Where it ran."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str


class Result(_Part):
    """One protocol's."""

    protocol: str
    data_set: str
    task: str
    metric: str
    """`auroc`, `accuracy`, `macro_auroc`, `mae` or `map`."""
    query: str
    rows: dict[str, int]
    """By split."""
    cutoffs: dict[str, int]
    """By split, how many different ones."""
    mean_label: float
    """Of the test rows: share of positives or of the commonest class, mean value, or mean number of items."""
    regimes: dict[Regime, RegimeResult]
    retention: float | None
    """(distilled - lightgbm_entity) / (deep - lightgbm_entity), or from the ranking by popularity; rolling."""
    parameters_ratio: float | None
    """How many times smaller the distilled model is than the deep one."""
    staleness: dict[str, float]
    """The distilled model's metric by age of its embedding, `missing`, `no_interactions`, `stranger`; seeds' mean."""
    calibration: dict[str, tuple[CalibrationPoint, ...]]
    """Of a binary task, by model: its first seed's chances in 15 bins of equal width, rolling."""
    facts: dict[str, dict[str, object]]
    """By model, of its first seed: what tuning chose, and sizes."""
    seconds: dict[str, float]
    """By model: wall clock of all seeds trained in this call; what an earlier one had done counts nothing."""
    published: tuple[Published, ...]
    machine: Machine


def markdown(result: Result) -> str:
    """A table of the protocol: a row a model, a column a regime."""
    regimes = list(result.regimes)
    word = METRIC_WORDS[result.metric]
    lines = [
        f"| {result.protocol} | {' | '.join(f'{word}, {regime}' for regime in regimes)} | seeds |",
        f"| --- |{' --- |' * len(regimes)} ---: |",
    ]
    for name in result.regimes["rolling"].models:
        found = [result.regimes[regime].models[name] for regime in regimes]
        cells = " | ".join(_cell(result.metric, q) for q in found)
        lines.append(f"| {name.replace('_', ' ')} | {cells} | {len(found[0].seeds)} |")
    for each in result.published:
        cells = " | ".join(f"{each.value:g}" if regime == each.regime else "" for regime in regimes)
        lines.append(f"| {each.model} ({each.source}) | {cells} | |")
    return "\n".join(lines) + "\n"


def markdown_row(result: Result) -> str:
    """The protocol in one line: every model's mean in the rolling regime."""
    models = result.regimes["rolling"].models
    cells = " | ".join(f"{name.replace('_', ' ')} {number(result.metric, q.mean)}" for name, q in models.items())
    return f"| {result.protocol} | {METRIC_WORDS[result.metric]} | {cells} |"


def number(metric: str, value: float) -> str:
    """As many places as say something."""
    return f"{value:.4g}" if metric in LOWER_IS_BETTER else f"{value:.4f}"


def _cell(metric: str, quality: ModelResult) -> str:
    mean, low, high = (number(metric, value) for value in (quality.mean, quality.low, quality.high))
    return f"{mean} ({low} to {high})"


def retention(metric: str, means: Mapping[str, float]) -> float | None:
    """Share of the deep model's lift over a simple baseline that its student keeps; None where there is no lift."""
    base = next((means[name] for name in ("lightgbm_entity", "popularity") if name in means), None)
    if base is None or not {"deep", "distilled"} <= means.keys():
        return None
    lift = (means["deep"] - base) * (-1 if metric in LOWER_IS_BETTER else 1)
    kept = (means["distilled"] - base) * (-1 if metric in LOWER_IS_BETTER else 1)
    return kept / lift if lift > 0 else None


def this_machine() -> Machine:
    """Of this process."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return Machine(
        cpu=model[0].partition(":")[2].strip() if model else platform.processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=platform.platform(),
        python=platform.python_version(),
    )
