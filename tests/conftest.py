"""What all tests share."""

import atexit

from hypothesis import settings

from cli.console import silence_the_end


def pytest_configure() -> None:
    """No deadlines; and at the very end, when pytest has let go of stderr, see `silence_the_end`."""
    atexit.register(silence_the_end)
    settings.register_profile("untimed", deadline=None)  # how long an example takes is the machine's affair
    settings.load_profile("untimed")
