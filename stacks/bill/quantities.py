"""Kubernetes' quantities as numbers: `50Gi` -> 50 GiB, `250m` -> 0.25 cores."""

import re

_BYTES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)$")


def gib(text: str | float) -> float:
    """An amount of memory or disk in GiB; raises `ValueError` for what is none."""
    amount, unit = _parts(text)
    if unit not in _BYTES:
        raise ValueError(f"not an amount of bytes (got {text}); allowed units are {', '.join(_BYTES)}")
    return amount * _BYTES[unit] / 2**30


def cores(text: str | float) -> float:
    """An amount of CPU in cores; raises `ValueError` for what is none."""
    amount, unit = _parts(text)
    if unit not in {"", "m"}:
        raise ValueError(f"not an amount of CPU (got {text}); allowed are 2, 0.5 and 500m")
    return amount / 1000 if unit == "m" else amount


def _parts(text: str | float) -> tuple[float, str]:
    match = _QUANTITY.match(str(text))
    if match is None:
        raise ValueError(f"not a quantity (got {text}); allowed are a number and a unit, e.g. 50Gi")
    return float(match[1]), match[2]
