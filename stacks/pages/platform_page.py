"""The blocks of docs/platform.md that the shipped stacks tell themselves: picture, parts, bill, capacity."""

import re
from collections.abc import Callable, Iterable, Mapping

from stacks.bill.line import GROUPS, Cases, Line
from stacks.bill.reference import FIXED_USD
from stacks.capture.resource import Resource
from stacks.pages.blocks import table
from stacks.pages.graph import graph_of
from stacks.pages.parts import PURPOSES
from stacks.pages.picture import svg
from stacks.plan.plan import Plan, PlatformPart

SHIPPED = ("dev", "staging", "prod")
"""One stack for each tier, low to high."""
CAPTION = "Parts of the platform and what each needs; an arrow leads from what is needed to what needs it."

Plans = Mapping[str, Plan]


def platform_picture(plans: Plans) -> str:
    """The largest stack's parts as SVG."""
    titles = {name: purpose.title for name, purpose in PURPOSES.items()}
    return svg(graph_of(plans["prod"].capture), titles, caption=CAPTION)


def platform_blocks(plans: Plans) -> dict[str, str]:
    """Name -> text of every block."""
    parts = [part for stack in SHIPPED if (part := plans[stack].platform)]
    assert len(parts) == len(SHIPPED)
    return {
        "parts": _parts(plans),
        "bill": _bill(parts),
        "sums": _sums(parts),
        "capacity": _capacity(parts),
        "kept": _kept(plans["prod"]),
    }


def _parts(plans: Plans) -> str:
    counts = {
        stack: {part.name: part.num_resources for part in graph_of(plans[stack].capture).parts} for stack in SHIPPED
    }
    rows = [
        (f"`{name}`", told.purpose, *(str(counts[stack].get(name, "")) for stack in SHIPPED))
        for name, told in PURPOSES.items()
    ]
    return table(("part", "what it is for", "dev", "staging", "prod"), rows)


def _bill(parts: list[PlatformPart]) -> str:
    """Expected USD by line; what several resources cause is one line."""
    lines = sorted((line for part in parts for line in part.bill.lines), key=_place)
    names = list(dict.fromkeys(_name(line) for line in lines))
    sums = [_by_name(part.bill.lines) for part in parts]
    rows = [(name, *(f"{found[name]:,.2f}" if found.get(name) else "" for found in sums)) for name in names]
    total = ("**expected, in a usual month**", *(f"**{part.bill.total.expected:,.2f}**" for part in parts))
    shown = [row for row in rows if any(row[1:])]
    return table(("USD a month", *(_column(part) for part in parts)), [*shown, total])


def _column(part: PlatformPart) -> str:
    return f"{part.settings.tier}"


def _place(line: Line) -> tuple[bool, int, str]:
    return not line.in_reference, GROUPS.index(line.group), line.what


def _name(line: Line) -> str:
    words = line.what.partition(",")[0] if line.group in {"storage", "workers"} else line.what
    words = re.sub(r" \d+ days$", "", words)
    return f"{line.group}: {words}" + ("" if line.in_reference else " \\*")


def _by_name(lines: Iterable[Line]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for line in lines:
        sums[_name(line)] = sums.get(_name(line), 0.0) + line.usd_per_month.expected
    return sums


_CASES: tuple[tuple[str, Callable[[Cases], float]], ...] = (
    ("fixed: nothing serves", lambda cases: cases.fixed),
    ("minimum: workers at a quiet hour", lambda cases: cases.minimum),
    ("expected: a usual month", lambda cases: cases.expected),
    ("maximum: every pool at its limit", lambda cases: cases.maximum),
)


def _sums(parts: list[PlatformPart]) -> str:
    rows: list[tuple[str, ...]] = []
    for words, of in _CASES:
        rows.append((words, *(f"{of(part.bill.total):,.0f}" for part in parts)))
        rows.append(
            ("of it, what the reference counts", *(f"{of(part.reconciliation.counted_usd):,.0f}" for part in parts))
        )
    spans = [part.reconciliation.reference for part in parts]
    rows.append(("reference, without workers", *(f"~{FIXED_USD:,.0f}" for _ in parts)))
    rows.append(("reference, lower end", *(f"~{span.low:,.0f}" for span in spans)))
    rows.append(("reference, upper end", *(f"~{span.high:,.0f}" for span in spans)))
    return table(("USD a month", *(_column(part) for part in parts)), rows)


def _capacity(parts: list[PlatformPart]) -> str:
    rows: list[tuple[str, ...]] = []
    sources: list[str] = []
    for part in parts:
        for pool in part.capacity:
            for case, found in (("minimum", pool.minimum), ("expected", pool.expected), ("maximum", pool.maximum)):
                if found.pods:
                    sources += [] if found.source in sources else [found.source]
                    where = f"({sources.index(found.source) + 1})"
                    qps = "no figure" if found.qps is None else f"{found.qps:,.0f}"
                    rows.append((part.settings.tier, found.pool, case, str(found.pods), qps, where))
    notes = [f"{number}. {source}" for number, source in enumerate(sources, start=1)]
    return "\n".join([table(("tier", "pool", "at", "pods", "QPS", "where from"), rows), "", *notes])


def _kept(plan: Plan) -> str:
    rows: list[tuple[str, ...]] = [
        (f"`{kept.name}`", f"`{kept.type}`", _yes(kept.options.protect), _yes(kept.options.retain_on_delete))
        for kept in plan.capture.resources
        if _is_kept(kept)
    ]
    return table(("resource of prod", "type", "Pulumi refuses to delete it", "stays when the stack lets go"), rows)


def _is_kept(resource: Resource) -> bool:
    return (resource.custom or resource.remote) and (resource.options.protect or resource.options.retain_on_delete)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
