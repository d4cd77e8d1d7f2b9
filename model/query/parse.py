"""The text of a query becomes a `PredictiveQuery`, by the grammar in `grammar.lark`."""

import re
from functools import cache
from pathlib import Path

from lark import Lark, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from model.errors import UserError
from model.query.build import Builder
from model.query.fault import did_you_mean, fault
from model.query.syntax import PredictiveQuery, Span

_FUNCTIONS = ("COUNT", "SUM", "AVG", "MIN", "MAX", "COUNT_DISTINCT", "FIRST", "LAST", "LIST_DISTINCT", "EXISTS")
_UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months")
_READABLE = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a quoted string",
    "COMPARE": "a comparison such as = or >",
    "FUNCTION": "an aggregate such as COUNT(...)",
    "UNIT": "a unit such as days",
    "PATTERN": "LIKE",
    "BOUND": "-INF",
    "DATE": "a date",
    "STAR": "*",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": "a comma",
    "DOT": ".",
    "$END": "the end",
}


def parse_query(text: str) -> PredictiveQuery:
    """Read one query.

    Raises:
        UserError: with line, column and a caret, where the text is not a query.
    """
    try:
        tree = _parser().parse(text)
        return Builder(text).build(tree)
    except UnexpectedInput as error:
        raise _syntax_fault(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, UserError):
            raise error.orig_exc from None
        raise


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text()
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _syntax_fault(text: str, error: UnexpectedInput) -> UserError:
    start, found, expected = _where(text, error)
    if found == "(" and (called := re.search(r"\w+\s*$", text[:start])):
        name = called.group().strip()
        hint = did_you_mean(name.upper(), _FUNCTIONS)
        return fault(text, Span(start=called.start(), end=start), f"no aggregate is called `{name}`", hint)
    words = [name.lstrip("_") for name in expected]
    candidates = [w for w in words if w.isalpha() and w not in _READABLE]
    candidates += _FUNCTIONS if "FUNCTION" in words else ()
    candidates += _UNITS if "UNIT" in words else ()
    close = did_you_mean(found.lower() if "UNIT" in words else found.upper(), candidates, otherwise=" ").strip()
    readable = sorted({_READABLE.get(word, word) for word in words})
    hint = close or f"expected {' or '.join(readable)}"
    named = f"`{found}`" if found else "end of the query"
    return fault(text, Span(start=start, end=start + max(1, len(found))), f"unexpected {named}", hint)


def _where(text: str, error: UnexpectedInput) -> tuple[int, str, set[str]]:
    """(offset, the word that does not fit or "" at the end, names of the terminals that would)."""
    if isinstance(error, UnexpectedToken):
        expected = set(error.accepts or error.expected)
        if error.token.type == "$END":
            return len(text.rstrip()), "", expected
        return error.token.start_pos or 0, str(error.token), expected
    assert isinstance(error, UnexpectedCharacters)
    start = error.pos_in_stream or 0
    word = re.compile(r"\w+|.", re.DOTALL).match(text, start)
    return start, word.group() if word else "", set(error.allowed or ())
