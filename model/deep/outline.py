"""A seed's neighbourhood becomes one row of numbers, which trees can read: the outline.

Its own columns and those of its parents, windowed counts, means, sums and shares of its children, their rhythm, and of
its newest children (the last, the last few, all that are sampled) the means of their columns and of what they point at.
All of it comes from the sampler and the running sums, so nothing lies after the seed's time, and any store can be
described.
Legend: B seeds, M places of a step, T tokens in them, F numbers, L a link's windows.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from model.baselines.feature_table import Features
from model.deep.sampler import Sampler, SamplerSettings, Step, StepTokens
from model.deep.summaries import Summaries
from model.deep.temporal_search import DEGREE_WINDOWS_DAYS, NUM_DEGREES
from model.progress import Progress, silent
from model.served.features import LOG_DAYS_SCALE, TableFeatures, signed_log_days
from model.store.row_features import RowEncoder
from model.store.store import GraphStore

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

NEWEST = (1, 5, 32)
"""Children of a link over which means are taken, newest first; the last number is all that are sampled."""
_BATCH_ROWS = 1024
_NUM_WINDOWS = len(DEGREE_WINDOWS_DAYS) + 1


class OutlineBuilder:
    """Describes seeds of one entity table; holds no state between calls."""

    def __init__(self, store: GraphStore, entity_table: str, features: Mapping[str, TableFeatures]) -> None:
        """Prepare the store.

        Args:
            store: where the rows are.
            entity_table: of the seeds.
            features: of all tables, fitted in training.
        """
        # Parents of the children, but not their children: what those say is in the parents' sums.
        self._sampler = Sampler(store, entity_table, SamplerSettings(fanouts=(NEWEST[-1], 0)))
        tables = {step.table for step in self._sampler.steps}
        self._features = features
        self._encoders = {table: RowEncoder(store, features[table]) for table in tables}
        self._sums = {table: Summaries(store, table, features, windows_days=DEGREE_WINDOWS_DAYS) for table in tables}
        self._links = [features[link.child_table] for link in store.graph.children(entity_table)]

    def build(self, rows: Int64, times: Int64, progress: Progress = silent) -> Features:
        """Outlines [R, F] of entity rows, each as of its own time (nanoseconds); R may be 0."""
        parts: list[Float32] = []
        categorical: tuple[int, ...] = ()
        starts = range(0, max(len(rows), 1), _BATCH_ROWS)
        for done, start in enumerate(starts, start=1):
            values_BF, categorical = self._batch(rows[start : start + _BATCH_ROWS], times[start : start + _BATCH_ROWS])
            parts.append(values_BF)
            progress(done, len(starts))
        values_RF = np.concatenate(parts)
        names = tuple(f"outline {position}" for position in range(values_RF.shape[1]))
        return Features(names=names, values_RF=values_RF, categorical=categorical)

    def _batch(self, rows_B: Int64, times_B: Int64) -> tuple[Float32, tuple[int, ...]]:
        """Numbers, and the positions of those that are codes."""
        found = self._sampler.sample(rows_B, times_B)
        pieces: list[Float32] = []
        categorical: list[int] = []
        for position, step in enumerate(self._sampler.steps):
            tokens = found[position]
            numbers_TF, codes_TC = self._encode(step, tokens, times_B)
            starts_B, counts_B = _spans(tokens.rows_BM >= 0)
            if step.towards == "children":
                pieces += [_mean(numbers_TF, starts_B, np.minimum(counts_B, most)) for most in NEWEST]
            elif step.hop == 2 and self._sampler.steps[step.source].towards == "children":
                pieces += [_mean(numbers_TF, starts_B, np.minimum(counts_B, most)) for most in NEWEST[::2]]
            else:
                pieces.append(_mean(numbers_TF, starts_B, counts_B))
                place = sum(piece.shape[1] for piece in pieces)
                categorical += range(place, place + codes_TC.shape[1])
                codes_BC = _mean(codes_TC.astype(np.float32), starts_B, counts_B)
                pieces.append(np.where(codes_BC > 0, codes_BC, np.nan).astype(np.float32))
        pieces.append(self._totals(found[0], rows_B, times_B))
        pieces.append(_rhythms(found[0].numbers_BMD[:, 0], len(self._links)))
        return np.concatenate(pieces, axis=1), tuple(categorical)

    def _encode(self, step: Step, tokens: StepTokens, times_B: Int64) -> tuple[Float32, Int64]:
        """(numbers [T, F], codes [T, C]) of a step's rows, seed by seed."""
        mask_BM = tokens.rows_BM >= 0
        rows_T, now_T = tokens.rows_BM[mask_BM].astype(np.int64), times_B[np.nonzero(mask_BM)[0]]
        encoded = self._encoders[step.table].encode(rows_T, now_T)
        ages_TF = signed_log_days(tokens.age_days_BM[mask_BM])[:, None]
        parts_TF = [encoded.dense_RF, ages_TF, tokens.numbers_BMD[mask_BM]]
        if step.towards != "children":
            parts_TF.append(self._sums[step.table].of(rows_T, now_T))
        return np.concatenate(parts_TF, axis=1, dtype=np.float32), encoded.codes_RC

    def _totals(self, seeds: StepTokens, rows_B: Int64, times_B: Int64) -> Float32:
        """Sums of the children's numbers in each window, in the columns' own units: mean times count."""
        table = self._sampler.steps[0].table
        means_BN = self._sums[table].of(rows_B, times_B)
        counts_BD = np.expm1(seeds.numbers_BMD[:, 0])
        pieces: list[Float32] = [np.zeros((len(rows_B), 0), np.float32)]
        place = 0
        for number, (child, width) in enumerate(zip(self._links, self._sums[table].widths, strict=True)):
            counts_BL = counts_BD[:, number * NUM_DEGREES : number * NUM_DEGREES + _NUM_WINDOWS]
            for window in range(_NUM_WINDOWS if width else 0):
                for column, feature in enumerate(child.numericals[:width]):
                    mean_B = means_BN[:, place + window * width + column] * feature.std + feature.mean
                    pieces.append((mean_B * counts_BL[:, window])[:, None].astype(np.float32))
            place += _NUM_WINDOWS * width
        return np.concatenate(pieces, axis=1)


def _rhythms(degrees_BD: Float32, num_links: int) -> Float32:
    """Of each child link: mean days between different moments, and how many of these have passed since the last one.

    NaN where there are fewer than two moments: a rhythm is a quotient, which trees cannot form themselves.
    """
    pieces: list[Float32] = [np.zeros((len(degrees_BD), 0), np.float32)]
    for link in range(num_links):
        degrees = degrees_BD[:, link * NUM_DEGREES : (link + 1) * NUM_DEGREES].astype(np.float64)
        moments = np.round(np.expm1(degrees[:, 2 * _NUM_WINDOWS - 1]))
        last, first = np.expm1(degrees[:, -2] * LOG_DAYS_SCALE), np.expm1(degrees[:, -1] * LOG_DAYS_SCALE)
        gap = np.where(moments > 1, (first - last) / np.maximum(moments - 1, 1), np.nan)
        pieces.append(np.stack([gap, last / np.maximum(gap, 1e-3)], axis=1).astype(np.float32))
    return np.concatenate(pieces, axis=1)


def _spans(mask_BM: npt.NDArray[np.bool_]) -> tuple[Int64, Int64]:
    """(first, number) of each seed's tokens among all tokens of a step."""
    counts_B = mask_BM.sum(axis=1)
    return np.cumsum(counts_B) - counts_B, counts_B


def _mean(numbers_TF: Float32, starts_B: Int64, counts_B: Int64) -> Float32:
    """[B, F] mean over some tokens of each seed; NaN where it has none. No seed's mean depends on its batch."""
    if len(starts_B) == 0:
        return np.zeros((0, numbers_TF.shape[1]), np.float32)
    padded_TF = np.concatenate([numbers_TF, np.zeros((1, numbers_TF.shape[1]), np.float32)])
    borders = np.stack([starts_B, starts_B + counts_B], axis=1).ravel()
    total_BF = np.add.reduceat(padded_TF, borders, axis=0, dtype=np.float64)[::2]
    count_B1 = np.where(counts_B > 0, counts_B, np.nan)[:, None]
    mean_BF: Float32 = (total_BF / count_B1).astype(np.float32)
    return mean_BF
