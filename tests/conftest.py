"""What all tests share."""

from cli.console import silence_the_end


def pytest_unconfigure() -> None:
    """The summary has been printed; see `silence_the_end`."""
    silence_the_end()
