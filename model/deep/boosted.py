"""Trees beside the network: grown on the outlines of the same rows, mixed with it as the validation rows ask for.

On some hundred rows trees on windowed aggregates are far ahead of a network, on a hundred thousand they are level, and
nearly everywhere the mixture is better than both ([decision](../../docs/decisions/0017-trees-beside-the-network.md)).
Legend: R rows, K classes or timeframes, F numbers of an outline.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

# torch first: it brings the OpenMP runtime that LightGBM links, which a plain Debian lacks.
import torch  # noqa: F401  # isort: skip
import lightgbm as lgb  # isort: skip
import numpy as np
import numpy.typing as npt

from model.baselines.feature_table import Features
from model.baselines.trees import NUM_THREADS, TreeSettings, fit_boosters
from model.deep.outline import OutlineBuilder
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.progress import Progress, silent
from model.quality import selection_loss
from model.task import TaskHead

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

MAX_ROWS = 100_000
"""Training rows that trees grow on; more are thinned at random."""
MAX_OUTPUTS = 20
"""A multilabel task or a forecast with more outputs gets no trees: each output has trees of its own."""
MAX_VALIDATION_ROWS = 10_000
"""Validation rows that stop the trees and choose their share."""
GROWTH = (
    TreeSettings(),
    TreeSettings(num_leaves=7, min_data_in_leaf=20),
    TreeSettings(num_leaves=4, min_data_in_leaf=20, feature_fraction=0.2),
)
"""What is tried, for many rows and for few; the validation rows choose."""
SHARES = np.linspace(0, 1, 21).round(2)
"""Of the trees in the mixture."""
_RESAMPLES = 50
_DOUBT = 0.5
"""A share may be this many standard errors worse than the best to be nearer to a half."""
_CHUNK_ROWS = 8192


@dataclass(frozen=True, kw_only=True, slots=True)
class Boosted:
    """Grown trees and their share."""

    boosters: tuple[lgb.Booster, ...]
    """One, or one for each output of a multilabel task or a forecast."""
    share: float
    """Of the trees in the answer, in [0, 1]; the network has the rest."""

    def score(self, outlines: Features) -> Float32:
        """[R] or [R, K] logits, or values in the unit of the label."""
        found = [
            np.asarray(booster.predict(outlines.values_RF, raw_score=True, num_threads=NUM_THREADS), np.float32)
            for booster in self.boosters
        ]
        return found[0] if len(found) == 1 else np.stack(found, axis=1)

    def mix(
        self, network: Float32, builder: OutlineBuilder, rows: Int64, times: Int64, progress: Progress = silent
    ) -> Float32:
        """What network and trees say together of entity rows, each as of its own time; in bounded memory."""
        mixed = network.copy()
        for start in range(0, len(rows) if self.share > 0 else 0, _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            trees = self.score(builder.build(rows[chunk], times[chunk])).reshape(network[chunk].shape)
            mixed[chunk] = mixture(network[chunk], trees, self.share)
            progress(min(start + _CHUNK_ROWS, len(rows)), len(rows))
        return mixed


def mixture(network: Float32, trees: Float32, share: float) -> Float32:
    """Logits or values of both, weighted."""
    mixed: Float32 = ((1 - share) * network + share * trees).astype(np.float32)
    return mixed


@dataclass(frozen=True, kw_only=True, slots=True)
class Grown:
    """Trees, and what the validation rows said of them."""

    boosted: Boosted
    trees_loss: float
    """`selection_loss` of the trees alone."""
    validation: Float32
    """[validation rows] or [.., K] the mixture's logits or values."""


def can_grow(head: TaskHead) -> bool:
    """Whether a task has few enough outputs, and more than one class."""
    if head.kind == "multiclass":
        return 2 <= len(head.classes) <= MAX_OUTPUTS
    return int(np.prod(head.shape)) <= MAX_OUTPUTS


def grow(
    builder: OutlineBuilder,
    table: TrainingTable,
    rows: Int64,
    head: TaskHead,
    *,
    validation: Int64,
    network: Float32,
    seed: int,
    progress: Progress = silent,
) -> Grown:
    """Grow trees on the training rows, stop them by the validation rows, and choose their share there.

    Args:
        builder: describes rows of the store.
        table: rows and labels.
        rows: [rows] entity row of each row of the table.
        head: what is predicted.
        validation: positions of the validation rows that choose.
        network: the network's logits or values of these.
        seed: of the trees, of thinning and of resampling.
        progress: told of the outlines.
    """
    rng = np.random.default_rng(seed)
    train = table.rows("train")
    if len(train) > MAX_ROWS:
        train = np.sort(rng.choice(train, MAX_ROWS, replace=False))
    used = np.concatenate([train, validation])
    outlines = builder.build(rows[used], table.cutoff_ns[used], progress)
    label = head.label(table, used)
    stops = np.arange(len(train), len(used))
    best: tuple[float, tuple[lgb.Booster, ...], Float32] | None = None
    for settings in GROWTH:
        seeded = replace(settings, seed=seed + 1)
        boosters = fit_boosters(outlines, label, np.arange(len(train)), stops, head, seeded)
        trees = Boosted(boosters=boosters, share=1.0).score(_rows(outlines, stops)).reshape(network.shape)
        loss = selection_loss(head, label[stops], head.answer(trees))
        if best is None or loss < best[0]:
            best = loss, boosters, trees
    assert best is not None
    loss, boosters, trees = best

    def lost(share: float, rows: Int64) -> float:
        return selection_loss(head, label[stops][rows], head.answer(mixture(network[rows], trees[rows], share)))

    share = choose_share(lost, len(stops), rng)
    return Grown(
        boosted=Boosted(boosters=boosters, share=share), trees_loss=loss, validation=mixture(network, trees, share)
    )


def choose_share(lost: Callable[[float, Int64], float], num_rows: int, rng: np.random.Generator) -> float:
    """The share nearest to a half that is within half a standard error of the best.

    Both parts were chosen by these rows, so that the best share is too good to be true, and a half is seldom far off.

    Args:
        lost: the loss of a share on some of the validation rows.
        num_rows: how many validation rows there are.
        rng: draws the resamples that tell the error.
    """
    whole = np.array([lost(share, np.arange(num_rows)) for share in SHARES])
    best = int(whole.argmin())
    resamples = [rng.integers(0, num_rows, num_rows) for _ in range(_RESAMPLES)]
    losses = np.array([[lost(share, rows) for share in SHARES] for rows in resamples])
    error = (losses - losses[:, [best]]).std(axis=0)
    near = SHARES[whole <= whole[best] + _DOUBT * error]
    return float(near[np.abs(near - 0.5).argmin()])


def _rows(outlines: Features, rows: Int64) -> Features:
    return replace(outlines, values_RF=outlines.values_RF[rows])


def save_boosted(boosted: Boosted, folder: Path) -> None:
    """Write the trees as LightGBM's text, a file each."""
    for number, booster in enumerate(boosted.boosters):
        (folder / f"trees-{number}.txt").write_text(booster.model_to_string(num_iteration=booster.best_iteration))


def load_boosted(folder: Path, share: float, count: int) -> Boosted:
    """The inverse of `save_boosted`.

    Raises:
        UserError: files that are no trees.
    """
    try:
        texts = [(folder / f"trees-{number}.txt").read_text() for number in range(count)]
        boosters = tuple(lgb.Booster(model_str=text) for text in texts)
    except lgb.basic.LightGBMError as error:
        raise UserError(f"cannot read the trees at `{folder}`: {error}", hint="train again") from error
    return Boosted(boosters=boosters, share=share)
