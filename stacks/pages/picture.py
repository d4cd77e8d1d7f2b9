"""A graph of parts -> an SVG that reads from top (needed by all) to bottom; the same graph gives the same bytes.

Parts stand in rows; an arrow that skips a row has a narrow place of its own in it, so that it crosses no box.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from stacks.pages.graph import Graph

BOX_WIDTH, BOX_HEIGHT = 142, 44
PASS_WIDTH = 10
GAP_X, GAP_Y = 18, 40
MARGIN = 16
_STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:14px;fill:#1f2933}"
    ".small{font-size:11px;fill:#616e7c}"
    ".box{fill:#fff;stroke:#52606d;stroke-width:1.2}"
    ".way{fill:none;stroke:#9aa5b1;stroke-width:1.4}"
    ".end{fill:#9aa5b1}"
    ".paper{fill:#f8f9fa}"
)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Slot:
    """A place in a row: a part's box, or where an arrow passes on its way between two parts."""

    row: int
    part: str
    """The part; of a passing arrow, the part that is needed."""
    towards: str = ""
    """Of a passing arrow, the part that needs it; empty for a box."""

    @property
    def width(self) -> float:
        """Of the place."""
        return PASS_WIDTH if self.towards else BOX_WIDTH


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """Rows of slots, and the ways of the arrows through them."""

    rows: list[list[Slot]]
    ways: list[list[Slot]]
    """Each from the box that is needed to the box that needs it, one slot a row."""


def svg(graph: Graph, titles: Mapping[str, str], *, caption: str) -> str:
    """The picture.

    Args:
        graph: what to draw.
        titles: part -> what to write in its box; without one, its name.
        caption: for readers that do not see it.
    """
    drawing = _untangled(_drawing(graph))
    width = 2 * MARGIN + max(_row_width(row) for row in drawing.rows)
    height = 2 * MARGIN + len(drawing.rows) * BOX_HEIGHT + (len(drawing.rows) - 1) * GAP_Y
    middles = _middles(drawing, width)
    counts = {part.name: part.num_resources for part in graph.parts}
    boxes = [slot for row in drawing.rows for slot in row if not slot.towards]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{escape(caption)}</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path class="end" d="M0 0L8 4L0 8z"/></marker></defs>',
            f'<rect class="paper" width="{width:g}" height="{height:g}" rx="8"/>',
            *(_arrow(way, middles) for way in drawing.ways),
            *(_box(slot, middles[slot], titles.get(slot.part, slot.part), counts[slot.part]) for slot in boxes),
            "</svg>\n",
        ]
    )


def _drawing(graph: Graph) -> Drawing:
    layers = graph.layers()
    row_of = {name: row for row, layer in enumerate(layers) for name in layer}
    rows = [[Slot(row=row, part=name) for name in layer] for row, layer in enumerate(layers)]
    ways: list[list[Slot]] = []
    for name in row_of:
        for need in sorted(graph.needs[name]):
            passing = [Slot(row=row, part=need, towards=name) for row in range(row_of[need] + 1, row_of[name])]
            for slot in passing:
                rows[slot.row].append(slot)
            ways.append([Slot(row=row_of[need], part=need), *passing, Slot(row=row_of[name], part=name)])
    return Drawing(rows=rows, ways=ways)


def _untangled(drawing: Drawing) -> Drawing:
    """Each row in the order of the middle of its neighbours above, then below, so that fewer arrows cross."""
    above: dict[Slot, list[Slot]] = {}
    below: dict[Slot, list[Slot]] = {}
    for way in drawing.ways:
        for upper, lower in pairwise(way):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    rows = [list(row) for row in drawing.rows]
    place: dict[Slot, float] = {}
    for _ in range(8):
        for neighbours, order in ((above, rows), (below, rows[::-1])):
            for row in order:
                row.sort(key=lambda slot: (_middle(slot, neighbours, place), slot))
                place |= {slot: index - (len(row) - 1) / 2 for index, slot in enumerate(row)}
    return Drawing(rows=rows, ways=drawing.ways)


def _middle(slot: Slot, neighbours: Mapping[Slot, list[Slot]], place: Mapping[Slot, float]) -> float:
    known = [place[other] for other in neighbours.get(slot, []) if other in place]
    return sum(known) / len(known) if known else place.get(slot, 0.0)


def _row_width(row: list[Slot]) -> float:
    return sum(slot.width for slot in row) + GAP_X * (len(row) - 1)


def _middles(drawing: Drawing, width: float) -> dict[Slot, tuple[float, float]]:
    """Slot -> middle of its place; every row is centred."""
    middles: dict[Slot, tuple[float, float]] = {}
    for number, row in enumerate(drawing.rows):
        x = (width - _row_width(row)) / 2
        y = MARGIN + number * (BOX_HEIGHT + GAP_Y) + BOX_HEIGHT / 2
        for slot in row:
            middles[slot] = (x + slot.width / 2, y)
            x += slot.width + GAP_X
    return middles


def _box(slot: Slot, middle: tuple[float, float], title: str, count: int) -> str:
    x, y = middle
    left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
    return (
        f'<rect class="box" x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{x:g}" y="{y - 2:g}" text-anchor="middle">{escape(title)}</text>'
        f'<text class="small" x="{x:g}" y="{y + 14:g}" text-anchor="middle">{count} resources</text>'
    )


def _arrow(way: list[Slot], middles: Mapping[Slot, tuple[float, float]]) -> str:
    """Down from box to box; straight through the rows that it passes, in a curve between two rows."""
    x, y = middles[way[0]]
    y += BOX_HEIGHT / 2
    steps = [f"M{x:g} {y:g}"]
    for slot in way[1:]:
        to_x, to_y = middles[slot]
        to_y -= BOX_HEIGHT / 2
        end = to_y if slot.towards else to_y - 2
        half = (end - y) / 2
        steps.append(f"C{x:g} {y + half:g} {to_x:g} {end - half:g} {to_x:g} {end:g}")
        if slot.towards:
            steps.append(f"L{to_x:g} {to_y + BOX_HEIGHT:g}")
        x, y = to_x, to_y + BOX_HEIGHT
    return f'<path class="way" marker-end="url(#end)" d="{"".join(steps)}"/>'
