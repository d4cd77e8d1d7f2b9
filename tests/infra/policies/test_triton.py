"""Triton's command line as its options, in each way of writing them."""

import pytest

from infra.policies.triton import options


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["tritonserver", "--model-store=/mnt/models"], {"model-store": "/mnt/models"}),
        (["--model-control-mode", "none"], {"model-control-mode": "none"}),
        (["--disable-auto-complete-config"], {"disable-auto-complete-config": "true"}),
        (
            ["--disable-auto-complete-config", "--exit-on-error=false"],
            {"disable-auto-complete-config": "true", "exit-on-error": "false"},
        ),
        (
            ["--http-restricted-api=trace:k=v", "--http-restricted-api=logging:k=v"],
            {"http-restricted-api": "trace:k=v,logging:k=v"},
        ),
        (["--empty="], {"empty": ""}),
        ([], {}),
    ],
)
def test_options_are_read(line: list[str], found: dict[str, str]) -> None:
    assert options(line) == found
