"""How long work tells how far it is: a call with steps done and steps in all."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""(done, total); called at least once a second of work, cheap to call."""
WHOLE = 1000
"""Steps in which progress over several stages is told."""


def silent(done: int, total: int) -> None:
    """Tell nobody."""


def part(progress: Progress, start: int, end: int) -> Progress:
    """Progress of a stage that runs from `start` to `end` thousandths of the whole."""

    def report(done: int, total: int) -> None:
        progress(start + (end - start) * done // max(total, 1), WHOLE)

    return report
