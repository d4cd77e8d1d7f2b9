"""Prefixes of a bucket, without slashes at their ends."""


def overlap(one: str, other: str) -> bool:
    """Whether they are the same, or one lies in the other; `models` and `models-old` are apart."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
