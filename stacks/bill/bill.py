"""A captured program -> the monthly bill: lines, sums, and what nobody could price."""

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.bill.aws_rules import AWS_RULES, Rule
from stacks.bill.context import Context
from stacks.bill.free import reason_free
from stacks.bill.kubernetes_rules import KUBERNETES_RULES
from stacks.bill.line import GROUPS, Cases, Line
from stacks.capture.run import Capture
from stacks.prices import region_note
from stacks.settings.settings import Settings

RULES: Mapping[str, Rule] = {**AWS_RULES, **KUBERNETES_RULES}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a stack costs in a month, before tax, support plan, savings plan and free tier."""

    lines: tuple[Line, ...]
    unpriced: tuple[str, ...]
    """Type tokens that have neither a price nor a reason to be free."""
    notes: tuple[str, ...]

    @property
    def total(self) -> Cases:
        """Every line."""
        return total_of(self.lines)

    def grouped(self) -> dict[str, Cases]:
        """Group -> sum, in the order of the bill."""
        groups: dict[str, Cases] = {}
        for line in self.lines:
            groups[line.group] = groups.get(line.group, Cases.always(0)) + line.usd_per_month
        return groups


def total_of(lines: tuple[Line, ...]) -> Cases:
    """The sum of some lines."""
    return sum((line.usd_per_month for line in lines), Cases.always(0))


def bill(capture: Capture, settings: Settings) -> Bill:
    """Price every resource of a captured platform program.

    Raises:
        UserError: an instance type that the price table lacks.
    """
    context = Context(capture=capture, settings=settings)
    lines: list[Line] = []
    unpriced: set[str] = set()
    for resource in capture.resources:
        if resource.read or not (resource.custom or resource.remote):
            continue
        if resource.type in RULES:
            lines += RULES[resource.type](resource, context)
        elif reason_free(resource.type) is None:
            unpriced.add(resource.type)
    return Bill(
        lines=tuple(sorted(lines, key=lambda line: GROUPS.index(line.group))),
        unpriced=tuple(sorted(unpriced)),
        notes=tuple(note for note in (region_note(settings.region),) if note),
    )
