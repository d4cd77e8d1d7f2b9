"""How long work tells how far it is: a call with steps done and steps in all."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""(done, total); called at least once a second of work, cheap to call."""


def silent(done: int, total: int) -> None:
    """Tell nobody."""
