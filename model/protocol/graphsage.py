"""PyG's GraphSAGE in a protocol; PyG is imported where it is trained, as that takes seconds."""

from dataclasses import asdict
from typing import Any

import numpy as np

from model.deep.network import num_parameters
from model.progress import Progress, part
from model.protocol.contestant import Contestant
from model.protocol.protocol import Regime
from model.protocol.scored import Floats, Scored


class GraphSageContestant(Contestant):
    """RelBench's reference with as many row visits as the deep model."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Of the network and its training."""
        from model.baselines.graphsage import SageSettings

        visits = self.bench.protocol.row_visits
        return {"model": "graphsage", "seed": seed, "row_visits": visits, **asdict(SageSettings())}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Train, and score each test row as of its own cut-off."""
        from model.baselines.train_graphsage import train_graphsage

        bench = self.bench
        sage = train_graphsage(
            bench.views["rolling"].store,
            bench.table,
            bench.bound,
            row_visits=bench.protocol.row_visits,
            seed=seed,
            progress=part(progress, 0, 900),
        )
        scores: dict[Regime, Floats] = {
            regime: sage.score(view.store, bench.table, bench.test).astype(np.float64)
            for regime, view in bench.views.items()
        }
        return Scored(scores=scores, facts={"num_parameters": num_parameters(sage.model)})
