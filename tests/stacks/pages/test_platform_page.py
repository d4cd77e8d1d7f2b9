"""docs/platform.md tells what the shipped stacks are, and its picture shows every part."""

import xml.etree.ElementTree as ElementTree
from functools import cache

import pytest

from model.errors import UserError
from stacks.pages.__main__ import DOCS, pages
from stacks.pages.blocks import table, with_blocks
from stacks.pages.graph import graph_of
from stacks.pages.parts import PURPOSES
from stacks.pages.picture import svg
from stacks.pages.platform_page import SHIPPED
from tests.stacks.plan.shipped import planned

SVG = "{http://www.w3.org/2000/svg}"


@cache
def _pages() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", ["platform.md", "platform.svg"])
def test_the_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == _pages()[name], "run `make docs`"


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_part_of_every_stack_has_a_purpose(stack: str) -> None:
    assert {part.name for part in graph_of(planned(stack).capture).parts} <= PURPOSES.keys()


def test_every_purpose_is_of_a_part() -> None:
    parts = {part.name for stack in SHIPPED for part in graph_of(planned(stack).capture).parts}
    assert parts == PURPOSES.keys()


def test_the_picture_shows_every_part_once_and_every_need() -> None:
    graph = graph_of(planned("prod").capture)
    root = ElementTree.fromstring(_pages()["platform.svg"])
    titles = [str(text.text) for text in root.iter(f"{SVG}text") if text.get("class") is None]
    assert sorted(titles) == sorted(PURPOSES[part.name].title for part in graph.parts)
    arrows = [path for path in root.iter(f"{SVG}path") if path.get("class") == "way"]
    assert len(arrows) == sum(len(needs) for needs in graph.needs.values())


def test_boxes_do_not_overlap_and_lie_on_the_paper() -> None:
    root = ElementTree.fromstring(svg(graph_of(planned("prod").capture), {}, caption="x"))
    paper, *boxes = [
        tuple(float(rect.get(key, 0)) for key in ("x", "y", "width", "height")) for rect in root.iter(f"{SVG}rect")
    ]
    for x, y, width, height in boxes:
        assert 0 <= x <= paper[2] - width
        assert 0 <= y <= paper[3] - height
    for number, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, *_ in boxes[number + 1 :]:
            assert abs(x - other_x) >= width or abs(y - other_y) >= height


def test_what_follows_from_another_need_is_left_out() -> None:
    needs = graph_of(planned("prod").capture).needs
    assert needs["system"] == {"node-addons"}
    assert "cluster" not in needs["addons"]


def test_a_place_without_a_block_is_refused() -> None:
    page = "<!-- begin: a -->\nold\n<!-- end: a -->\n"
    assert with_blocks(page, {"a": "new"}) == "<!-- begin: a -->\nnew\n<!-- end: a -->\n"
    with pytest.raises(UserError, match="needed are: a, b"):
        with_blocks(page, {"a": "x", "b": "y"})
    with pytest.raises(UserError, match="got a"):
        with_blocks(page, {})


def test_numbers_are_on_the_right() -> None:
    assert table(("a", "b"), [("x", "1,000")]).splitlines()[1] == "| --- | ---: |"
