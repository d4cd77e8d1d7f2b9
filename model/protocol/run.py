"""A protocol becomes a result: prepare, label, train each model with each seed, compare.

    stillhouse evaluate --protocol protocols/online-retail-churn.yaml --tables DIR

Every (model, seed) is kept as soon as it is scored; the same call again goes on after the last one.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from model.checkpoint import quiet
from model.errors import UserError
from model.labels.table import SPLITS
from model.metrics import calibration_bins
from model.progress import Progress, part, silent
from model.protocol.bench import Bench, open_bench
from model.protocol.contestant import Contestant
from model.protocol.graphsage import GraphSageContestant
from model.protocol.intervals import Resamples
from model.protocol.learned import DeepContestant, DistilledContestant, NetworkContestant
from model.protocol.oracle import Oracle
from model.protocol.outcome import (
    CalibrationPoint,
    DifferenceResult,
    ModelResult,
    RegimeResult,
    Result,
    retention,
    this_machine,
)
from model.protocol.page import write_page
from model.protocol.protocol import RANKERS, ModelName, Protocol, Regime
from model.protocol.rankers import Popularity, Repeat
from model.protocol.ranking import RankingContestant
from model.protocol.scored import Floats, Scored, read_scored, write_scored
from model.protocol.trees import LightgbmDfs, LightgbmEntity

RESULT_FILE = "result.json"
CONTESTANTS: Mapping[ModelName, type[Contestant]] = {
    "oracle": Oracle,
    "lightgbm_entity": LightgbmEntity,
    "lightgbm_dfs": LightgbmDfs,
    "popularity": Popularity,
    "repeat": Repeat,
    "graphsage": GraphSageContestant,
    "deep": DeepContestant,
    "network": NetworkContestant,
    "distilled": DistilledContestant,
}
"""In the order in which they run: what needs the deep model after it."""


def run_protocol(
    protocol: Protocol,
    tables: Path | None,
    folder: Path,
    progress: Progress = silent,
    say: Callable[[str], None] = quiet,
) -> Result:
    """Run what is not done yet; write `result.json` and `report.html` below `folder`.

    Args:
        protocol: what to run.
        tables: a folder of tables, or of such folders; the simulated shop needs none.
        folder: of this protocol alone; tables, models and scores are kept there.
        progress: told of all units together.
        say: told of each unit in words.

    Raises:
        UserError: tables, query and times that do not fit each other, or a model that does not learn the task.
    """
    with open_bench(protocol, tables, folder) as bench:
        refuse_unfit(bench)
        units = [
            (name, seed) for name in CONTESTANTS if name in protocol.models for seed in range(protocol.num_seeds(name))
        ]
        made = {name: _contestant(bench, name) for name in protocol.models}
        found: dict[ModelName, list[Scored]] = {name: [] for name in protocol.models}
        seconds: dict[str, float] = dict.fromkeys(protocol.models, 0.0)
        for place, (name, seed) in enumerate(units):
            begun = time.monotonic()
            stage = _stage(progress, place, len(units))
            scored, is_new = _unit(bench, made[name], name, seed, stage)
            found[name].append(scored)
            if is_new:
                seconds[name] += time.monotonic() - begun
            say(f"{protocol.name}: {name}, seed {seed}: {'done' if is_new else 'known'}")
        result = _result(bench, found, seconds)
        (folder / RESULT_FILE).write_text(result.model_dump_json(indent=2) + "\n")
    write_page([result], folder)
    return result


def refuse_unfit(bench: Bench) -> None:
    """A ranking is for rankers and the deep model; every other task for all but rankers.

    Raises:
        UserError: naming the model, and why.
    """
    is_ranking = bench.bound.task == "link"
    for name in bench.protocol.models:
        if (name in RANKERS) != is_ranking and name != "deep":
            raise UserError(
                f"`{bench.protocol.name}` names `{name}`, which "
                + ("gives a score to each row, not an order of items" if is_ranking else "orders items")
                + f" (got a {bench.bound.task} task)",
                hint="leave it out of `models`"
                + (", or ask with CLASSIFY for a probability of each item" if is_ranking else ""),
            )


def _contestant(bench: Bench, name: ModelName) -> Contestant:
    """The deep model of a link query is a ranking."""
    if name == "deep" and bench.bound.task == "link":
        return RankingContestant(bench)
    return CONTESTANTS[name](bench)


def _unit(bench: Bench, contestant: Contestant, name: str, seed: int, progress: Progress) -> tuple[Scored, bool]:
    """The scores of an earlier call, or new ones; whether they are new."""
    path, key = bench.folder / "scores" / f"{name}-{seed}", contestant.key(seed)
    if (known := read_scored(path, key)) is not None:
        return known, False
    scored = contestant.score(seed, progress)
    for regime, scores in scored.scores.items():
        assert np.isfinite(scores).all(), f"{name} has a score for every row ({regime})"
    write_scored(scored, path, key)
    return scored, True


def _stage(progress: Progress, place: int, num_units: int) -> Progress:
    return part(progress, 1000 * place // num_units, 1000 * (place + 1) // num_units)


def _result(bench: Bench, found: Mapping[ModelName, list[Scored]], seconds: Mapping[str, float]) -> Result:
    table, protocol = bench.table, bench.protocol
    regimes = {regime: _regime(bench, found, regime) for regime in bench.views}
    means = {name: model.mean for name, model in regimes["rolling"].models.items()}
    students = found.get("distilled", [])
    return Result(
        protocol=protocol.name,
        data_set=protocol.data_set,
        task=protocol.task,
        metric=bench.metric,
        query=" ".join(bench.bound.text.split()),
        rows={split: len(table.rows(split)) for split in SPLITS},
        cutoffs={split: len(np.unique(table.cutoff_ns[table.rows(split)])) for split in SPLITS},
        mean_label=table.summary("test")[1] or 0.0,
        regimes=regimes,
        retention=retention(bench.metric, means),
        parameters_ratio=students[0].facts["parameters_ratio"] if students else None,
        staleness=_mean_of([each.facts["staleness"] for each in students]),
        calibration=_calibration(bench, found),
        facts={name: dict(each[0].facts) for name, each in found.items()},
        seconds={name: round(value, 1) for name, value in seconds.items()},
        published=protocol.published,
        machine=this_machine(),
    )


def _regime(bench: Bench, found: Mapping[ModelName, list[Scored]], regime: Regime) -> RegimeResult:
    scores: dict[str, list[Floats]] = {name: [each.scores[regime] for each in seeds] for name, seeds in found.items()}
    resamples = Resamples(bench.metric, bench.label, bench.table.entity[bench.test], scores)
    qualities = {name: resamples.quality(name) for name in scores}
    differences = [resamples.difference(first, second) for first, second in bench.protocol.compare]
    return RegimeResult(
        models={name: ModelResult(mean=q.mean, low=q.low, high=q.high, seeds=q.seeds) for name, q in qualities.items()},
        differences=tuple(
            DifferenceResult(first=d.first, second=d.second, mean=d.mean, low=d.low, high=d.high) for d in differences
        ),
    )


def _calibration(bench: Bench, found: Mapping[ModelName, list[Scored]]) -> dict[str, tuple[CalibrationPoint, ...]]:
    if bench.bound.task != "binary":
        return {}
    return {
        name: tuple(
            CalibrationPoint(rows=one.count, predicted=one.mean_probability, observed=one.share_positive)
            for one in calibration_bins(bench.label, each[0].scores["rolling"])
        )
        for name, each in found.items()
    }


def _mean_of(each: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]} if each else {}
