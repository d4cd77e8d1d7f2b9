"""What a question to Prometheus ends in when it is no number: each has a name, and none of them is zero."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class NoData:
    """The question was answered, and there is nothing."""

    what: str

    @property
    def reason(self) -> str:
        """In words."""
        return f"no data: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    """What is known is too old to judge by."""

    age_s: float
    """Of the newest sample, at the end of the window."""
    limit_s: float

    @property
    def reason(self) -> str:
        """In words."""
        return f"stale: the newest sample is {self.age_s:.1f} s old, allowed are {self.limit_s:g} s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reset:
    """A gateway began anew within the window; what it counted between its last scrape and its end is lost."""

    times: int
    last_s: float
    """Unix time of the first scrape after the last of them; a window that begins then has none."""

    @property
    def reason(self) -> str:
        """In words."""
        return f"counters began anew {self.times} time(s) within the window; what was counted just before is lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Skewed:
    """Prometheus's clock is another one than ours."""

    ahead_s: float
    """Of ours; below zero: behind it."""
    limit_s: float

    @property
    def reason(self) -> str:
        """In words."""
        return f"clock skew: Prometheus is {self.ahead_s:+.1f} s off this clock, allowed are {self.limit_s:g} s"


@dataclass(frozen=True, kw_only=True, slots=True)
class TooFewPoints:
    """The window is not covered by scrapes: counts at its begin or end would be guesses."""

    what: str

    @property
    def reason(self) -> str:
        """In words."""
        return f"too few points: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreachable:
    """Prometheus did not answer, or is not ready to."""

    what: str

    @property
    def reason(self) -> str:
        """In words."""
        return f"Prometheus is unreachable: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Prometheus answered that it will not: a query that it does not take, or one that is too large."""

    what: str

    @property
    def reason(self) -> str:
        """In words."""
        return f"Prometheus refused the query: {self.what}"


NoAnswer = NoData | Stale | Reset | Skewed | TooFewPoints | Unreachable | Refused
