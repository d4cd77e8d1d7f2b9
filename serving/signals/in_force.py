"""What a mesh's gateways answered -> whether they split by the weights that were asked for: nobody else can say.

An object in the API server is a wish; a gateway takes it over some time later, each pod by itself. So each pod's
answers are bet on as they come, scrape by scrape: by the new weights, against the old ones. A pod is convinced when the
new ones explain what it did since some moment a thousand times better (a cumulative sum, as Page's of 1954).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from serving.prometheus import Series
from serving.signals.names import INSTANCE

CONVINCED = math.log(1000)
_STRAY = 0.002
"""Share that a version without weight may have: what testers ask for by name is counted with the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What the gateways show."""

    convinced: int
    """Pods that split by the new weights."""
    asked: int
    """Pods that answered anything since."""
    counted: Mapping[str, int]
    """Version -> answers of all pods since."""

    @property
    def in_force(self) -> bool:
        """Whether all that answer do."""
        return 0 < self.asked == self.convinced

    @property
    def words(self) -> str:
        """In words."""
        counts = ", ".join(f"{version} {count:,}" for version, count in self.counts())
        return f"{self.convinced} of {self.asked} gateway pods show it; answered since: {counts or 'nothing'}"

    def counts(self) -> list[tuple[str, int]]:
        """Versions that answered anything."""
        return [(version, count) for version, count in self.counted.items() if count]


def taken(
    answers: Mapping[str, Iterable[Series]],
    scrapes: Iterable[Series],
    *,
    asked: Mapping[str, int],
    before: Mapping[str, int],
) -> Taken:
    """Whether the gateways took the new weights over.

    Args:
        answers: version -> samples of its counters, by gateway pod and code, since the weights were asked for.
        scrapes: samples of something that every scrape of a pod has: when it was scraped.
        asked: version -> percent that it is to have.
        before: version -> percent that it had.
    """
    growth = {version: _growth(series) for version, series in answers.items()}
    evidence = {version: _log_ratio(asked.get(version, 0), before.get(version, 0)) for version in answers}
    counted = dict.fromkeys(answers, 0.0)
    convinced = busy = 0
    for pod in scrapes:
        instance, wealth, requests = pod.labels.get(INSTANCE, ""), 0.0, 0.0
        for time_s in pod.times_s:
            grown = {version: growth[version].get((instance, time_s), 0.0) for version in answers}
            wealth += sum(count * evidence[version] for version, count in grown.items())
            # Bounded on both sides: what was long ago must not outweigh what is now.
            wealth = min(max(0.0, wealth), 2 * CONVINCED)
            requests += sum(grown.values())
            for version, count in grown.items():
                counted[version] += count
        busy += requests > 0
        convinced += requests > 0 and wealth >= CONVINCED
    return Taken(convinced=convinced, asked=busy, counted={name: round(count) for name, count in counted.items()})


def _log_ratio(asked: int, before: int) -> float:
    return math.log(max(asked / 100, _STRAY) / max(before / 100, _STRAY))


def _growth(series: Iterable[Series]) -> dict[tuple[str, float], float]:
    """(pod, time of the scrape) -> by how much the pod's counters grew since the scrape before it."""
    grown: dict[tuple[str, float], float] = {}
    for each in series:
        instance, last = each.labels.get(INSTANCE, ""), each.values[0]
        for time_s, value in zip(each.times_s[1:], each.values[1:], strict=True):
            key = (instance, time_s)
            grown[key] = grown.get(key, 0.0) + (value - last if value >= last else value)
            last = value
    return grown
