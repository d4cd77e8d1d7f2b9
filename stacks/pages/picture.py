"""A graph of parts -> an SVG that reads from left (needed by all) to right; the same graph gives the same bytes."""

from collections.abc import Mapping
from html import escape

from stacks.pages.graph import Graph

BOX_WIDTH, BOX_HEIGHT = 138, 46
GAP_X, GAP_Y = 56, 18
MARGIN = 16
_STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:13px;fill:#1f2933}"
    ".small{font-size:11px;fill:#616e7c}"
    "rect.box{fill:#fff;stroke:#52606d;stroke-width:1.2}"
    "path{fill:none;stroke:#9aa5b1;stroke-width:1.3}"
    "rect.paper{fill:#f8f9fa}"
)

Places = Mapping[str, tuple[float, float]]
"""Part -> left upper corner."""


def svg(graph: Graph, titles: Mapping[str, str], *, caption: str) -> str:
    """The picture.

    Args:
        graph: what to draw.
        titles: part -> what to write in its box; without one, its name.
        caption: for readers that do not see it.
    """
    layers = _untangled(graph)
    tallest = max(len(layer) for layer in layers)
    places = _places(layers, tallest)
    width = 2 * MARGIN + len(layers) * BOX_WIDTH + (len(layers) - 1) * GAP_X
    height = 2 * MARGIN + tallest * BOX_HEIGHT + (tallest - 1) * GAP_Y
    counts = {part.name: part.num_resources for part in graph.parts}
    body = [
        *(_arrow(places[need], places[name]) for name in places for need in sorted(graph.needs[name])),
        *(_box(places[name], titles.get(name, name), counts[name]) for name in places),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{escape(caption)}</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z" style="fill:#9aa5b1;stroke:none"/></marker></defs>',
            f'<rect class="paper" width="{width:g}" height="{height:g}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )


def _untangled(graph: Graph) -> list[list[str]]:
    """Each layer in the order of the middle of what its parts need, so that fewer arrows cross."""
    layers = graph.layers()
    position: dict[str, float] = {}
    for _ in range(4):
        for layer in layers:
            layer.sort(key=lambda name: (_middle(name, graph, position), name))
            position |= {name: index - len(layer) / 2 for index, name in enumerate(layer)}
        for layer in reversed(layers):
            layer.sort(key=lambda name: (_middle_above(name, graph, position), name))
            position |= {name: index - len(layer) / 2 for index, name in enumerate(layer)}
    return layers


def _middle(name: str, graph: Graph, position: Mapping[str, float]) -> float:
    known = [position[need] for need in graph.needs[name] if need in position]
    return sum(known) / len(known) if known else position.get(name, 0.0)


def _middle_above(name: str, graph: Graph, position: Mapping[str, float]) -> float:
    known = [position[other] for other, needs in graph.needs.items() if name in needs and other in position]
    return sum(known) / len(known) if known else position.get(name, 0.0)


def _places(layers: list[list[str]], tallest: int) -> dict[str, tuple[float, float]]:
    step = BOX_HEIGHT + GAP_Y
    return {
        name: (MARGIN + column * (BOX_WIDTH + GAP_X), MARGIN + (tallest - len(layer)) * step / 2 + row * step)
        for column, layer in enumerate(layers)
        for row, name in enumerate(layer)
    }


def _box(place: tuple[float, float], title: str, count: int) -> str:
    x, y = place
    middle = x + BOX_WIDTH / 2
    return (
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{middle:g}" y="{y + 20:g}" text-anchor="middle">{escape(title)}</text>'
        f'<text class="small" x="{middle:g}" y="{y + 36:g}" text-anchor="middle">{count} resources</text>'
    )


def _arrow(needed: tuple[float, float], needing: tuple[float, float]) -> str:
    """From the needed part's right edge to the left edge of the part that needs it."""
    x1, y1 = needed[0] + BOX_WIDTH, needed[1] + BOX_HEIGHT / 2
    x2, y2 = needing[0], needing[1] + BOX_HEIGHT / 2
    bend = GAP_X * 0.6
    return (
        f'<path marker-end="url(#end)" d="M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2 - 2:g} {y2:g}"/>'
    )
