"""One line of the bill, in four cases: nothing serves, a quiet hour, a usual month, everything at its limit."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

from stacks.prices import Price

Group = Literal["control plane", "system nodes", "network", "load balancer", "storage", "keys", "logs", "workers"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""In the order of the bill."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cases:
    """A number for each case."""

    fixed: float
    """Nothing serves: every pool of workers is empty."""
    minimum: float
    """Workers at a quiet hour, all month long."""
    expected: float
    """Workers of a usual month."""
    maximum: float
    """Workers at their pools' limits, all month long."""

    @classmethod
    def always(cls, value: float) -> Self:
        """The same in every case."""
        return cls(fixed=value, minimum=value, expected=value, maximum=value)

    def __add__(self, other: "Cases") -> "Cases":
        return Cases(
            fixed=self.fixed + other.fixed,
            minimum=self.minimum + other.minimum,
            expected=self.expected + other.expected,
            maximum=self.maximum + other.maximum,
        )

    def times(self, factor: float) -> "Cases":
        """Every case multiplied."""
        return Cases(
            fixed=self.fixed * factor,
            minimum=self.minimum * factor,
            expected=self.expected * factor,
            maximum=self.maximum * factor,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One price times how much of it."""

    group: Group
    what: str
    """In words, e.g. `NAT gateway, hours`."""
    resource: str
    """Pulumi's name of the resource that causes it."""
    quantity: Cases
    """Units of the price."""
    price: Price
    assumed: bool = False
    """Whether the quantity is an assumption of `usage`, not an input of the resource."""
    in_reference: bool = False
    """Whether the reference figures count it: system nodes, the load balancer, system volumes, the main workers."""
    note: str = ""
    """What else to know."""

    @property
    def usd_per_month(self) -> Cases:
        """USD a month in each case."""
        return self.quantity.times(self.price.usd_per_month)


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines that say the same of several resources as one, `3 x NAT gateway, hours`; the sum stays what it is."""
    same: dict[tuple[str, str, str, bool], list[Line]] = {}
    for line in lines:
        same.setdefault((line.group, line.what, line.note, line.in_reference), []).append(line)
    return tuple(_one(several) for several in same.values())


def _one(lines: list[Line]) -> Line:
    first = lines[0]
    if len(lines) == 1:
        return first
    quantity = sum((line.quantity for line in lines), Cases.always(0))
    return replace(first, what=f"{len(lines)} x {first.what}", quantity=quantity)
