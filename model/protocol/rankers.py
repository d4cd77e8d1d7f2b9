"""Rankings without a model in a protocol: their one choice is made on the validation rows."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from model.baselines.rankings import Asked, Codes, asked, filled, popular, precision_of, repeated
from model.progress import Progress
from model.protocol.contestant import Contestant
from model.protocol.protocol import Regime
from model.protocol.scored import Floats, Scored
from model.tables.database import Database


class _Ranker(Contestant):
    """A rule with a choice."""

    name: str
    choices: tuple[str, ...]

    @abstractmethod
    def rank(self, database: Database, ask: Asked, rows: Codes, choice: str) -> Codes:
        """[R, K] the ranking of some rows of the table."""

    def settings(self, seed: int) -> dict[str, Any]:
        """Chance has no part in it."""
        return {"model": self.name, "choices": self.choices}

    def score(self, seed: int, progress: Progress) -> Scored:
        """Choose on the validation rows, rank for the test rows."""
        table, views = self.bench.table, self.bench.views
        validation = table.rows("validation")
        worth = {choice: float(self._precision("rolling", validation, choice).mean()) for choice in self.choices}
        choice = max(worth, key=worth.__getitem__)
        progress(1, 2)
        scores: Mapping[Regime, Floats] = {regime: self._precision(regime, self.bench.test, choice) for regime in views}
        progress(2, 2)
        return Scored(scores=scores, facts={"choice": choice, "validation": worth})

    def _precision(self, regime: Regime, rows: Codes, choice: str) -> Floats:
        database, table = self.bench.views[regime].database, self.bench.table
        ask = asked(database, self.bench.bound)
        assert table.lists is not None, "a ranking has lists"
        return precision_of(ask, self.rank(database, ask, rows, choice), table.lists, rows)

    def popular(self, database: Database, ask: Asked, rows: Codes, horizons: str) -> Codes:
        """What sells, in so many horizons."""
        window_ns = None if horizons == "ever" else int(float(horizons) * self.bench.bound.horizon_ns)
        return popular(database, ask, self.bench.table.cutoff_ns[rows], window_ns)


class Popularity(_Ranker):
    """What had most rows lately, the same for everybody."""

    name = "popularity"
    choices = ("1", "4", "13", "ever")
    """Horizons that `lately` means."""

    def rank(self, database: Database, ask: Asked, rows: Codes, choice: str) -> Codes:
        """The same list for every row of a cut-off."""
        return self.popular(database, ask, rows, choice)


class Repeat(_Ranker):
    """The entity's own items of the past, then what sells."""

    name = "repeat"
    choices = ("often", "lately")

    def rank(self, database: Database, ask: Asked, rows: Codes, choice: str) -> Codes:
        """Own items first."""
        table = self.bench.table
        own = repeated(database, ask, table.entity[rows], table.cutoff_ns[rows], choice)
        return filled(own, self.popular(database, ask, rows, "4"))
