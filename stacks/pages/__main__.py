"""Writes the generated pages and parts of pages in docs/: `python -m stacks.pages`."""

from pathlib import Path

from stacks.pages.settings_page import settings_page

DOCS = Path(__file__).parents[2] / "docs"

if __name__ == "__main__":
    (DOCS / "settings.md").write_text(settings_page())
