"""Pages that are written by hand, with blocks that are not: text between two comments that name the block."""

import re
from collections.abc import Mapping

from model.errors import UserError


def with_blocks(page: str, blocks: Mapping[str, str]) -> str:
    """The page with every block written anew.

    Raises:
        UserError: a block without a place, or a place without a block.
    """
    places = re.findall(r"<!-- begin: ([a-z-]+) -->", page)
    if sorted(places) != sorted(blocks):
        raise UserError(
            f"the page's blocks are not those that are written (got {', '.join(places) or 'none'}); "
            f"needed are: {', '.join(blocks)}",
            hint="`<!-- begin: NAME -->` and `<!-- end: NAME -->` make a place",
        )
    for name, text in blocks.items():
        pattern = rf"(<!-- begin: {name} -->\n).*?(<!-- end: {name} -->)"
        page = re.sub(pattern, lambda match, text=text: f"{match[1]}{text}\n{match[2]}", page, flags=re.DOTALL)  # type: ignore[misc]
    return page


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; the first column is text, the others are numbers if they look like it."""
    numeric = [all(re.fullmatch(r"[-\d,.*~ ]*", row[column]) for row in rows) for column in range(len(head))]
    rule = " | ".join("---:" if is_number else "---" for is_number in numeric)
    lines = [f"| {' | '.join(head)} |", f"| {rule} |", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)
