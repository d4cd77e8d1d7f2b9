"""Programs that see only what an image would have: what is installed here beside it is not there."""

import subprocess
import sys

import pytest

from tests.serving.only_packages import with_only


@pytest.mark.parametrize(
    ("distributions", "module", "found"),
    [
        (["pyyaml"], "yaml", True),
        (["httpx"], "httpcore", True),
        (["pyyaml"], "scipy", False),
        (["httpx"], "jwt", False),
    ],
)
def test_only_what_is_named_and_what_it_needs_can_be_imported(
    distributions: list[str], module: str, found: bool
) -> None:
    command = [sys.executable, "-c", with_only(distributions, f"import {module}")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is found, done.stderr
    assert found or f"not in the image: {module}" in done.stderr
