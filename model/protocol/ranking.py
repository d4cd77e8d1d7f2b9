"""The deep model of a ranking in a protocol."""

from dataclasses import asdict
from typing import Any

from model.checkpoint import Checkpoints
from model.deep.network import num_parameters
from model.deep.train import entity_rows
from model.progress import Progress, part
from model.protocol.contestant import Contestant
from model.protocol.protocol import Regime
from model.protocol.scored import Floats, Scored
from model.ranking.hits import precisions
from model.ranking.items import ranked
from model.ranking.ranker import load_ranker, rank_rows
from model.ranking.train import RankSettings, item_rows, train_ranking
from model.store.row_features import FeatureSettings

_TRAINED = 900
"""Thousandths of a unit's time in which the model is trained."""


class RankingContestant(Contestant):
    """`stillhouse train` of a link query, with the protocol's row visits."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Of the training."""
        return {"model": "ranking", **asdict(self._training(seed))}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Train, and rank for each test row as of its own cut-off."""
        bench, store = self.bench, self.bench.views["rolling"].store
        path = bench.folder / "models" / f"ranking-{seed}"
        train_ranking(
            store, bench.table, ranked(bench.bound, store), path, self._training(seed), part(progress, 0, _TRAINED),
            table_digest=self.key(seed), checkpoints=Checkpoints(),
        )  # fmt: skip
        ranker = load_ranker(path)
        cutoff_ns = bench.table.cutoff_ns[bench.test]
        scores: dict[Regime, Floats] = {}
        for regime, view in bench.views.items():
            rows = entity_rows(view.store, bench.table)[bench.test]
            positives = item_rows(view.store, bench.table, ranker.what).take(bench.test)
            stage = part(progress, _TRAINED, 1000)
            found, _ = rank_rows(view.store, ranker, rows, cutoff_ns, ranker.what.top, stage)
            scores[regime] = precisions(positives, found)
        return Scored(scores=scores, facts={"num_parameters": num_parameters(ranker.deep.model)})

    def _training(self, seed: int) -> RankSettings:
        hidden = tuple(f"{table}.{column}" for table, column in self.bench.bound.hidden_columns)
        return RankSettings(max_rows=self.bench.protocol.row_visits, seed=seed, features=FeatureSettings(hidden=hidden))
