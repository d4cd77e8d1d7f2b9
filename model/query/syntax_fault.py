"""What the parser stumbled over becomes a UserError that says what was meant, or what the language does not have."""

import re

from lark import UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from model.errors import UserError
from model.query.fault import did_you_mean, fault
from model.query.syntax import Span

FUNCTIONS = ("COUNT", "SUM", "AVG", "MIN", "MAX", "COUNT_DISTINCT", "FIRST", "LAST", "LIST_DISTINCT", "EXISTS")
UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months")
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
_FOREIGN = {
    "SELECT": ("there are no subqueries", "write the values out: IN ('a', 'b')"),
    "ORDER": ("there is no ORDER BY", "rows come by cut-off and entity; a ranking is `RANK TOP k`"),
    "GROUP": ("there is no GROUP BY", "FOR EACH names what rows are grouped by"),
    "HAVING": ("there is no HAVING", "put a condition on aggregates after FOR EACH ... WHERE"),
    "LIMIT": ("there is no LIMIT", "a ranking is cut by `RANK TOP k`; rows are thinned by the training plan"),
    "JOIN": ("there is no JOIN", "tables are joined by the links of graph.yaml"),
    "CASE": ("there is no CASE", "put the condition into WHERE"),
    "AS": ("a target has no other name", "leave AS out"),
}
_NO_AGGREGATE = {
    "MEDIAN": "AVG is the nearest there is",
    "STDDEV": "predict AVG, or the numbers one by one",
    "LAG": "use LAST(..., -30, 0, days) in a WHERE",
}


def syntax_fault(text: str, error: UnexpectedInput) -> UserError:
    """The error to show for what the parser raised."""
    start, found, expected = _where(text, error)
    words = {name.lstrip("_") for name in expected}
    special = _special(text, start, found, words)
    if special is not None:
        return special
    named = f"`{found}`" if found else "end of the query"
    hint = _nearest(found, words) or f"expected {' or '.join(sorted({_READABLE.get(word, word) for word in words}))}"
    return fault(text, Span(start=start, end=start + max(1, len(found))), f"unexpected {named}", hint)


def _special(text: str, start: int, found: str, words: set[str]) -> UserError | None:
    """Mistakes that have a name."""
    before = text[:start]
    here = Span(start=start, end=start + max(1, len(found)))
    if found == "(" and (called := re.search(r"\w+\s*$", before)):
        return _not_a_function(text, called, start)
    if found in ("'", '"'):
        return fault(text, here, "this string does not end", f"add the closing {found}")
    if found in (")", "]") and re.search(r"\bIN\s*[(\[]\s*$", before, re.IGNORECASE):
        return fault(text, here, "this list is empty", "give at least one value, e.g. IN ('a', 'b')")
    if found == "*" and re.search(r"(COUNT|EXISTS)\s*\(\s*$", before, re.IGNORECASE):
        return fault(text, here, "`*` belongs to a table", "write table.*, e.g. COUNT(orders.*, 0, 30, days)")
    if found.upper() in _FOREIGN:
        return fault(text, here, *_FOREIGN[found.upper()])
    if words == {"DOT"} and (name := re.search(r"(\w+|\"[^\"]*\")\s*$", before)):
        span = Span(start=name.start(), end=name.start(1) + len(name.group(1)))
        if name.group(1).upper() in _FOREIGN:
            return fault(text, span, *_FOREIGN[name.group(1).upper()])
        return fault(text, span, f"a column goes with its table (got `{name.group(1)}`)", "write table.column")
    if found in ("+", "-", "*", "/") or (re.fullmatch(r"[+-][\d.]+", found) and "FOR" in words):
        return fault(text, here, "there is no arithmetic", "add a column to the table, or predict the parts one by one")
    if found == "," and "FOR" in words:
        return fault(text, here, "a query has one target", "write a query for each target")
    return _unfinished_window(text, here, found, words)


def _unfinished_window(text: str, here: Span, found: str, words: set[str]) -> UserError | None:
    if words == {"COMMA"} and found == ")":
        return fault(text, here, "a window has a start and an end", "write (..., start, end, unit), e.g. 0, 30, days")
    if words == {"UNIT"} and not _nearest(found, words):
        return fault(text, here, f"no unit is called `{found}`", f"there are {', '.join(UNITS)}")
    return None


def _not_a_function(text: str, called: re.Match[str], start: int) -> UserError:
    name = called.group().strip()
    span = Span(start=called.start(), end=start)
    if name.upper() in FUNCTIONS:
        if text[: called.start()].count("(") > text[: called.start()].count(")"):
            return fault(
                text, span, "an aggregate inside an aggregate is not possible", "filter its rows: SUM(... WHERE ...)"
            )
        return fault(text, span, f"the aggregate {name.upper()} does not go here", "an entity is a table.column")
    hint = _NO_AGGREGATE.get(name.upper()) or did_you_mean(name.upper(), FUNCTIONS)
    return fault(text, span, f"no aggregate is called `{name}`", hint)


def _nearest(found: str, words: set[str]) -> str:
    """Did-you-mean among the keywords, aggregates and units that fit here; "" where none is near."""
    candidates = [word for word in words if word.isalpha() and word not in _READABLE]
    candidates += FUNCTIONS if "FUNCTION" in words else ()
    candidates += UNITS if "UNIT" in words else ()
    spelled = found.lower() if "UNIT" in words else found.upper()
    return did_you_mean(spelled, candidates, otherwise=" ").strip()


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
