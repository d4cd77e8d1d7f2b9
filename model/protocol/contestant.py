"""A model that a protocol compares: it is trained with a seed on the shared rows and scores the test rows."""

from abc import ABC, abstractmethod
from typing import Any

from model.checkpoint import fingerprint
from model.progress import Progress
from model.protocol.bench import Bench
from model.protocol.scored import Scored


class Contestant(ABC):
    """One model of an open bench."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @abstractmethod
    def settings(self, seed: int) -> dict[str, Any]:
        """All that the scores depend on beside rows and tables."""

    @abstractmethod
    def score(self, seed: int, progress: Progress) -> Scored:
        """Train, and score the test rows in every regime."""

    def key(self, seed: int) -> str:
        """By which the scores of an earlier run are known."""
        return fingerprint({"bench": self.bench.digest, "settings": self.settings(seed)})
