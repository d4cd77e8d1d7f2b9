"""How nodes are bought: on demand, spot, or from a reservation; and what Karpenter reads of it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class OnDemand:
    """The list price, never taken back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """The market's price; AWS takes a node back with two minutes' notice."""

    or_on_demand: bool = True
    """Whether to pay the list price where there is no spot capacity."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """Nodes of capacity reservations first."""

    ids: Sequence[str]
    """On-Demand Capacity Reservations, `cr-…`."""
    or_on_demand: bool = True
    """Whether to pay the list price when the reservations are used up."""

    def __post_init__(self) -> None:
        wrong = [reservation for reservation in self.ids if not reservation.startswith("cr-")]
        if wrong or not self.ids:
            raise ValueError(f"reservation ids: (got {list(self.ids)}); allowed are one or more that begin with cr-")


Capacity = OnDemand | Spot | Reservation


def capacity_types(capacity: Capacity) -> list[str]:
    """Values of `karpenter.sh/capacity-type`; Karpenter takes reserved before spot before on-demand."""
    match capacity:
        case OnDemand():
            return ["on-demand"]
        case Spot(or_on_demand=fallback):
            return ["spot", *(["on-demand"] if fallback else [])]
        case Reservation(or_on_demand=fallback):
            return ["reserved", *(["on-demand"] if fallback else [])]


def reservation_ids(capacity: Capacity) -> tuple[str, ...]:
    """Reservations that nodes may use; empty for the other kinds."""
    return tuple(capacity.ids) if isinstance(capacity, Reservation) else ()
