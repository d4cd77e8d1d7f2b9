"""A mistake at a place in a query becomes a UserError that shows the line with a caret under it."""

from collections.abc import Iterable
from difflib import get_close_matches

from model.errors import UserError
from model.query.syntax import Span


def fault(text: str, span: Span, message: str, hint: str = "") -> UserError:
    """The error for `span` of `text`: line and column (from 1), the cause, the line, carets."""
    before = text[: span.start]
    line_number = before.count("\n") + 1
    column = span.start - (before.rfind("\n") + 1)
    lines = text.splitlines() or [""]
    line = lines[min(line_number, len(lines)) - 1]
    width = max(1, min(span.end - span.start, len(line) - column))
    return UserError(
        f"query, line {line_number}, column {column + 1}: {message}\n  {line}\n  {' ' * column}{'^' * width}", hint=hint
    )


def did_you_mean(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest of `names`, the same in another case first."""
    known = sorted(names)
    same = [other for other in known if other.lower() == name.lower()]
    close = same or get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?" + (" (names are case-sensitive)" if same else "")
    return otherwise or f"there are {', '.join(f'`{other}`' for other in known)}"
