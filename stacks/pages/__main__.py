"""Writes the generated pages and parts of pages in docs/: `python -m stacks.pages`."""

from pathlib import Path

from stacks.pages.policies_page import policies_page
from stacks.pages.settings_page import settings_page

DOCS = Path(__file__).parents[2] / "docs"

if __name__ == "__main__":
    (DOCS / "policies.md").write_text(policies_page())
    (DOCS / "settings.md").write_text(settings_page())
