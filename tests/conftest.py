"""What all tests share."""

import atexit

from cli.console import silence_the_end


def pytest_configure() -> None:
    """At the very end, when pytest has let go of stderr; see `silence_the_end`."""
    atexit.register(silence_the_end)
