"""The oracle in a protocol: who knows the simulated shop's hidden state, on the same rows."""

from dataclasses import asdict
from typing import Any

import numpy as np

from model.errors import UserError
from model.progress import Progress
from model.protocol.contestant import Contestant
from model.protocol.protocol import ShopTables
from model.protocol.scored import Scored
from model.protocol.tables import shop_settings
from model.query.bound import DAY_NS
from model.query.syntax import Aggregate, ColumnRef, Comparison, Window
from model.shop.oracle import NUM_FUTURES, chances_of_absence
from model.shop.state import ShopSettings


class Oracle(Contestant):
    """The best attainable score; it sees what no table shows, so that regimes do not matter to it."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Of the shop, and how exact the chances are."""
        return {"model": "oracle", "shop": asdict(self._shop()), "num_futures": NUM_FUTURES}

    def score(self, seed: int, progress: Progress) -> Scored:
        """The chance that each customer stays away."""
        table, test = self.bench.table, self.bench.test
        self._refuse_other_questions()
        cutoff_ns = table.cutoff_ns[test]
        horizon_days = self.bench.bound.horizon_ns // DAY_NS
        keys, chances = chances_of_absence(self._shop(), np.unique(cutoff_ns).tolist(), horizon_days, progress=progress)
        place = np.searchsorted(keys, table.entity[test].astype(np.int64))
        absent = np.array([chances[cutoff][at] for cutoff, at in zip(cutoff_ns.tolist(), place, strict=True)])
        return Scored(scores=dict.fromkeys(self.bench.views, absent.astype(np.float64)))

    def _shop(self) -> ShopSettings:
        tables = self.bench.protocol.tables
        assert isinstance(tables, ShopTables), "the protocol's own check"
        return shop_settings(tables)

    def _refuse_other_questions(self) -> None:
        bound = self.bench.bound
        match bound.target:
            case Comparison(
                operand=Aggregate(
                    function="COUNT",
                    column=ColumnRef(table="transactions"),
                    where=None,
                    window=Window(start=0),
                ),
                operator="=",
                value=0,
            ) if bound.entity_table == "customers" and bound.horizon_ns % DAY_NS == 0:
                return
        question = "PREDICT COUNT(transactions.*, 0, n, days) = 0 FOR EACH customers.customer_id"
        raise UserError(
            f"the oracle answers `{question}` alone (got `{bound.text.strip()}`)",
            hint="leave `oracle` out of `models`",
        )
