"""A template on the shared base: pictures go in as they are, words are escaped, what is not given is an error."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from model.page.picture import TEAL, picture
from model.page.render import render

REPORT = {"machine": {"cpu": "a <cpu>", "cores": 2, "memory_gib": 8, "system": "Linux", "python": "3.11"}}
TEMPLATE = (
    '{% extends "base.html.jinja" %}{% block title %}T{% endblock %}'
    "{% block main %}{{ pictures.one }}{{ pictures.more.two }}{{ words }}{% endblock %}"
)


def test_pictures_are_kept_and_words_escaped(tmp_path: Path) -> None:
    (tmp_path / "page.html.jinja").write_text(TEMPLATE)
    page = render(tmp_path, {"one": "<svg>1</svg>", "more": {"two": "<svg>2</svg>"}}, report=REPORT, words="<b>")
    assert "<svg>1</svg><svg>2</svg>&lt;b&gt;" in page
    assert "a &lt;cpu&gt;, 2 cores" in page
    assert "http" not in page.replace("http-equiv", "")
    with pytest.raises(UndefinedError):
        render(tmp_path, {"one": "<svg>1</svg>"}, report=REPORT, words="")


def test_the_same_figure_is_the_same_text() -> None:
    drawn = []
    for _ in range(2):
        with picture(3, 2) as (figure, pieces):
            figure.subplots().plot([0, 1], [1, 0], color=TEAL)
        drawn.append(pieces[0])
    assert drawn[0] == drawn[1]
    assert drawn[0].lstrip().startswith("<svg")
