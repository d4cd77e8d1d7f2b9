"""How long EKS supports each Kubernetes version: a dated table, and what it says of a day."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

AS_OF = date(2026, 11, 20)
SOURCE = "https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html"


class Support(Enum):
    """What AWS gives a version on a day."""

    STANDARD = "standard"
    EXTENDED = "extended"
    """Six times the price for the control plane."""
    ENDED = "ended"
    """AWS upgrades the cluster by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """One version's days; each day named is the first without that support."""

    version: str
    standard_until: date
    extended_until: date


WINDOWS = (
    Window(version="1.31", standard_until=date(2025, 11, 26), extended_until=date(2026, 11, 26)),
    Window(version="1.32", standard_until=date(2026, 3, 23), extended_until=date(2027, 3, 23)),
    Window(version="1.33", standard_until=date(2026, 7, 29), extended_until=date(2027, 7, 29)),
    Window(version="1.34", standard_until=date(2026, 12, 2), extended_until=date(2027, 12, 2)),
    Window(version="1.35", standard_until=date(2027, 3, 27), extended_until=date(2028, 3, 27)),
)
"""1.36 exists, but its dates were not to be had when the table was made, so it is not offered yet."""
BY_VERSION = {window.version: window for window in WINDOWS}


def support_on(version: str, day: date) -> Support:
    """What AWS gives the version on that day; raises `ValueError` for a version that the table lacks."""
    if version not in BY_VERSION:
        raise ValueError(f"support: (got version {version!r}); allowed are {', '.join(BY_VERSION)} as of {AS_OF}")
    window = BY_VERSION[version]
    if day < window.standard_until:
        return Support.STANDARD
    return Support.EXTENDED if day < window.extended_until else Support.ENDED
