"""Tags: what every resource carries, plus its own name."""

from collections.abc import Mapping


def named(tags: Mapping[str, str], name: str, **more: str) -> dict[str, str]:
    """The common tags with `Name`, which the AWS console shows as the resource's title."""
    return {**tags, **more, "Name": name}
