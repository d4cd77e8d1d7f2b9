"""LightGBM in a protocol: tuned once on the validation rows, then trained with every seed."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from model.artifact import MANIFEST, read_artifact, write_artifact
from model.baselines.boosted import dfs_features, own_features
from model.baselines.feature_table import Features, join_features
from model.baselines.neighbours import neighbour_features
from model.baselines.trees import TreeSettings, fit_trees
from model.baselines.tuned import KNOBS, Tuned, tune
from model.progress import Progress, part
from model.protocol.bench import Bench
from model.protocol.contestant import Contestant
from model.protocol.protocol import Regime
from model.protocol.scored import Floats, Scored

_NEAR, _FAR = "one hop", "two hops"
_TUNING = 700
"""Thousandths of a unit's time in which features are made and settings are tried."""


class _Boosted(Contestant):
    """Trees on sets of features that a subclass makes; tuning chooses the set and the settings."""

    name: str

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._features: dict[tuple[Regime, str], Features] = {}

    @abstractmethod
    def make(self, regime: Regime, only: str | None, progress: Progress) -> Mapping[str, Features]:
        """Sets of features by name (or the one of that name), as the tables of the regime show them.

        A regime but `rolling` is asked about test rows alone: the others need no features there.
        """

    def rows(self, regime: Regime) -> npt.NDArray[np.int64] | None:
        """Positions of the rows that need features; None for all."""
        return None if regime == "rolling" else self.bench.test

    def settings(self, seed: int) -> dict[str, Any]:
        """The knobs; what is chosen from them follows from the rows."""
        return {"model": self.name, "seed": seed, "defaults": asdict(TreeSettings()), "knobs": KNOBS}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Tune where no earlier seed has, train, and score."""
        bench, table = self.bench, self.bench.table
        tuned = self._tuned(part(progress, 0, _TUNING))
        rolling = self._set("rolling", tuned.features, part(progress, _TUNING, _TUNING + 100))
        trees = fit_trees(rolling, table, bench.bound, replace(tuned.settings, seed=seed + 1))
        scores: dict[Regime, Floats] = {}
        for regime in bench.views:
            features = self._set(regime, tuned.features, part(progress, _TUNING + 100, 1000))
            scores[regime] = trees.score(features)[bench.test].astype(float)
        return Scored(scores=scores, facts={"tuned": tuned.to_json(), "num_features": len(rolling.names)})

    def _set(self, regime: Regime, name: str, progress: Progress) -> Features:
        if (regime, name) not in self._features:
            self._features[regime, name] = self.make(regime, name, progress)[name]
        return self._features[regime, name]

    def _tuned(self, progress: Progress) -> Tuned:
        """The choice of an earlier seed or run, or a new one (kind `tuned`)."""
        path, key = self.bench.folder / "tuned" / self.name, self.key(seed=0)
        if (path / MANIFEST).exists() and (found := read_artifact(path, kind="tuned")).settings["key"] == key:
            return Tuned.from_json(found.metrics)
        sets = self.make("rolling", None, part(progress, 0, 400))
        self._features |= {("rolling", name): features for name, features in sets.items()}
        tuned = tune(sets, self.bench.table, self.bench.bound, part(progress, 400, 1000))
        with write_artifact(path, kind="tuned", settings={"key": key}) as draft:
            draft.metrics.update(tuned.to_json())
        return tuned


class LightgbmEntity(_Boosted):
    """The columns of the entity's own row."""

    name = "lightgbm_entity"

    def make(self, regime: Regime, only: str | None, progress: Progress) -> Mapping[str, Features]:
        """One set, whose making takes no time."""
        bench = self.bench
        return {"own": own_features(bench.views[regime].database, bench.table, bench.bound)}


class LightgbmDfs(_Boosted):
    """Windowed aggregates too: of what is linked to the entity, and of what is linked to that."""

    name = "lightgbm_dfs"

    def make(self, regime: Regime, only: str | None, progress: Progress) -> Mapping[str, Features]:
        """With one hop, and with two."""
        bench, database, rows = self.bench, self.bench.views[regime].database, self.rows(regime)
        near = dfs_features(database, bench.table, bench.bound, part(progress, 0, 500), rows)
        if only == _NEAR:
            return {_NEAR: near}
        far = neighbour_features(database, bench.table, bench.bound, part(progress, 500, 1000), rows)
        return {_NEAR: near, _FAR: join_features([near, far])} if far.names else {_NEAR: near}
