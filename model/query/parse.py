"""The text of a query becomes a `PredictiveQuery`, by the grammar in `grammar.lark`."""

from functools import cache
from pathlib import Path

from lark import Lark, UnexpectedInput
from lark.exceptions import VisitError

from model.errors import UserError
from model.query.build import Builder
from model.query.syntax import PredictiveQuery
from model.query.syntax_fault import syntax_fault


def parse_query(text: str) -> PredictiveQuery:
    """Read one query.

    Raises:
        UserError: with line, column and a caret, where the text is not a query.
    """
    try:
        tree = _parser().parse(text)
        return Builder(text).build(tree)
    except UnexpectedInput as error:
        raise syntax_fault(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, UserError):
            raise error.orig_exc from None
        raise


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text()
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)
