"""A template of any room, on the shared base, becomes one self-contained HTML page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATE = "page.html.jinja"


def render(folder: Path, pictures: Mapping[str, Any], **values: Any) -> str:  # noqa: ANN401 - what a template names
    """The page as text; nothing in it is fetched from anywhere.

    Args:
        folder: holds `page.html.jinja`, which extends `base.html.jinja`.
        pictures: SVG texts of `model.page.picture`, or mappings of them; all else is escaped.
        values: what the template names; `report.machine` stands in the footer.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["short"] = lambda digest: digest.removeprefix("sha256:")[:12]
    return environment.get_template(TEMPLATE).render(pictures=_safe(pictures), **values)


def _safe(pictures: Any) -> Any:  # noqa: ANN401 - a tree
    if isinstance(pictures, Mapping):
        return {name: _safe(picture) for name, picture in pictures.items()}
    return Markup(pictures)  # noqa: S704 our own SVG
