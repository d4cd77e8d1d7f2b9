"""Writes the generated pages and parts of pages in docs/: `python -m stacks.pages`."""

from pathlib import Path

from stacks.pages.blocks import with_blocks
from stacks.pages.platform_page import SHIPPED, platform_blocks, platform_picture
from stacks.pages.policies_page import policies_page
from stacks.pages.settings_page import settings_page
from stacks.plan.plan import make_plan

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> dict[str, str]:
    """File name -> what it should hold."""
    # A benchmark of this checkout must not decide what the pages say.
    plans = {stack: make_plan(stack, bench=DOCS / "no-benchmark.json") for stack in SHIPPED}
    return {
        "platform.md": with_blocks((DOCS / "platform.md").read_text(), platform_blocks(plans)),
        "platform.svg": platform_picture(plans),
        "policies.md": policies_page(),
        "settings.md": settings_page(),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text)
