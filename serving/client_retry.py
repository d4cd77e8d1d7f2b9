"""When a request that failed is sent again: never late, and never so often that it makes an overload worse."""

import random
import threading
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrySettings:
    """Predictions change nothing, so a request may be sent again."""

    budget_percent: float = 10.0
    """Of the requests: so many further attempts are allowed on average; 0 allows none."""
    most_saved: float = 10.0
    """Further attempts that quiet times save up for a burst of failures."""
    most_attempts: int = 3
    """Of one request, the first among them."""
    first_wait_s: float = 0.01
    """Before the second attempt, twice as much before the third; a random part of it is waited."""

    def __post_init__(self) -> None:
        assert 0 <= self.budget_percent <= 100, f"`budget_percent` is in [0, 100] (got {self.budget_percent})"
        assert self.most_attempts >= 1, f"`most_attempts` is at least 1 (got {self.most_attempts})"


class RetryBudget:
    """One for all requests of a client; safe to share between threads."""

    def __init__(self, settings: RetrySettings) -> None:
        self._settings = settings
        self._saved = settings.most_saved if settings.budget_percent else 0.0
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Count a new request."""
        with self._lock:
            gained = self._settings.budget_percent / 100
            self._saved = min(self._saved + gained, self._settings.most_saved)

    def wait_s(self, attempts: int, left_s: float) -> float | None:
        """Seconds to wait before the next attempt, which is spent by asking; None: there is none.

        Args:
            attempts: made so far.
            left_s: until the request's deadline.
        """
        wait_s = self._settings.first_wait_s * 2.0 ** (attempts - 1) * random.random()  # noqa: S311
        if attempts >= self._settings.most_attempts or wait_s >= left_s:
            return None
        with self._lock:
            if self._saved < 1:
                return None
            self._saved -= 1
        return wait_s
