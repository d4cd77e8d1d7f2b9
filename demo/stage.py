"""What the demo shows while it runs: the name of each step, its progress, its seconds, and a line of outcome."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from model.progress import Progress


@dataclass(kw_only=True, slots=True)
class Stage:
    """Times the steps and passes words and progress to whoever shows them."""

    say: Callable[[str], None]
    """Prints a line."""
    bar: Callable[[str], AbstractContextManager[Progress]]
    """Opens a progress bar with a title."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall clock by step, in the order of the steps."""

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[Progress]:
        """Run a step under its progress bar; a step may come in several parts, whose seconds add up."""
        self.say(f"[bold]{title}[/]")
        begin = time.perf_counter()
        with self.bar(title) as progress:
            yield progress
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin
