"""Text becomes a tree; what is no query gets line, column, a caret and a way out."""

import pytest

from model.errors import UserError
from model.query import parse_query
from model.query.syntax import Aggregate, ColumnRef, Comparison, Junction, Negation, Window, aggregates, comparisons

CHURN = "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.id WHERE COUNT(orders.*, -90, 0, days) > 0"


def test_the_whole_of_a_query() -> None:
    query = parse_query(
        """
        predict sum(orders."unit price" BY orders.buyer_id WHERE orders.count >= -1.5e1, 0, 2, weeks) > 10  # revenue
        for each users.id where users.name not like 'a''%' or not users.born < 2000-01-31
        assuming exists(orders.*, 0, 1, month) -- they come at all
        """
    )
    assert isinstance(query.target, Comparison)
    total = query.target.operand
    assert isinstance(total, Aggregate)
    assert (total.function, str(total.column), str(total.by)) == ("SUM", "orders.unit price", "orders.buyer_id")
    assert comparisons(total.where)[0].value == -15.0
    assert isinstance(total.window, Window)
    assert (total.window.start, total.window.end, total.window.unit) == (0, 2, "week")
    assert isinstance(query.entity_filter, Junction)
    unlike, born = query.entity_filter.conditions
    assert isinstance(unlike, Comparison)
    assert (unlike.operator, unlike.value) == ("NOT LIKE", "a'%")
    assert isinstance(born, Negation)
    assert comparisons(born)[0].value == "2000-01-31"
    assert [(a.function, str(a.column)) for a in aggregates(query.assuming)] == [("COUNT", "orders.*")]


def test_and_binds_tighter_than_or_and_brackets_overrule() -> None:
    def words(text: str) -> str:
        condition = parse_query(f"PREDICT t.x FOR EACH t.id WHERE {text}").entity_filter
        assert isinstance(condition, Junction)
        return condition.word

    assert words("t.a = 1 OR t.b = 2 AND t.c = 3") == "OR"
    assert words("(t.a = 1 OR t.b = 2) AND t.c = 3") == "AND"


@pytest.mark.parametrize(
    ("unit", "wanted"), [("", "day"), (", hours", "hour"), (", DAY", "day"), (", months", "month")]
)
def test_units(unit: str, wanted: str) -> None:
    query = parse_query(f"PREDICT COUNT(t.*, -INF, 0{unit}) FOR EACH u.id")
    assert isinstance(query.target, Aggregate)
    assert query.target.window is not None
    assert (query.target.window.start, query.target.window.unit) == (None, wanted)


@pytest.mark.parametrize(("text", "operator"), [("= 3", "="), ("IN (1, 2)", "IN"), ("in [1, 2]", "IN")])
def test_entities_can_be_named(text: str, operator: str) -> None:
    query = parse_query(f"PREDICT t.x FOR t.id {text} WHERE t.y = 'a'")
    assert isinstance(query.entity_filter, Junction)
    named = query.entity_filter.conditions[0]
    assert isinstance(named, Comparison)
    assert isinstance(named.operand, ColumnRef)
    assert (named.operator, str(named.operand)) == (operator, "t.id")


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [("IS NULL", "IS NULL", None), ("is not null", "IS NOT NULL", None), ("IS TRUE", "=", True), ("IS NOT 3", "!=", 3)],
)
def test_is_compares_with_any_constant(text: str, operator: str, value: object) -> None:
    (found,) = comparisons(parse_query(f"PREDICT t.x FOR EACH t.id WHERE t.y {text}").entity_filter)
    assert (found.operator, found.value) == (operator, value)


def test_the_place_in_the_text_does_not_tell_nodes_apart() -> None:
    query = parse_query("PREDICT COUNT(t.*, 0, 7) > 1 AND COUNT(t.*,0,7,days) < 9 FOR EACH u.id")
    assert len(set(aggregates(query.target))) == 1


def test_rank_top_and_forecast_are_read() -> None:
    ranked = parse_query("PREDICT LIST_DISTINCT(t.item, 0, 7) RANK TOP 12 FOR EACH u.id")
    assert (ranked.mode, ranked.top) == ("RANK", 12)
    assert parse_query("PREDICT SUM(t.x, 0, 7) FORECAST 4 TIMEFRAMES FOR EACH u.id").num_timeframes == 4


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "unexpected end of the query[\\s\\S]*expected PREDICT"),
        ("PREDICT CONT(t.*, 0, 7) = 0 FOR EACH u.id", 1, 9, "no aggregate is called `CONT`[\\s\\S]*mean `COUNT`"),
        ("PREDICT COUNT(t.*, 0, 7, dyas) FOR EACH u.id", 1, 26, "unexpected `dyas`[\\s\\S]*mean `days`"),
        ("PREDICT COUNT(t.*, 0, 7 days) FOR EACH u.id", 1, 25, "unexpected `days`[\\s\\S]*expected \\) or a comma"),
        ("PREDICT COUNT(t.*, 0, 7)", 1, 25, "unexpected end of the query[\\s\\S]*FOR"),
        ("PREDICT COUNT(t.*, 0, 7) = FOR EACH u.id", 1, 28, "unexpected `FOR`[\\s\\S]*a number"),
        ("PREDICT COUNT(t.*, 0, 7)\nFOR EACH u.id WERE u.x = 1", 2, 15, "unexpected `WERE`[\\s\\S]*mean `WHERE`"),
        ("PREDICT t.x FOR EACH u.id;", 1, 26, "unexpected `;`"),
        ("PREDICT COUNT(t.*, 30, 0) FOR EACH u.id", 1, 20, "must end after it starts \\(got 30 to 0\\)"),
        ("PREDICT COUNT(t.*, 0, 7.5) FOR EACH u.id", 1, 23, "whole number \\(got 7\\.5\\)"),
        ("PREDICT t.x > NULL FOR EACH t.id", 1, 13, "nothing is > NULL[\\s\\S]*IS NULL"),
        ("PREDICT t.x FOR t.id > 3", 1, 22, "named by = or IN"),
        ("COUNT(t.*, 0, 7) FOR EACH u.id", 1, 1, "unexpected `COUNT`[\\s\\S]*expected PREDICT"),
        ("PREDICT MEDIAN(t.x, 0, 7) FOR EACH u.id", 1, 9, "no aggregate is called `MEDIAN`[\\s\\S]*AVG"),
        ("PREDICT UPPER(t.x) = 'A' FOR EACH u.id", 1, 9, "no aggregate is called `UPPER`[\\s\\S]*there are `AVG`"),
        ("PREDICT AVG(SUM(t.x, 0, 7), 0, 90) FOR EACH u.id", 1, 13, "an aggregate inside an aggregate is not possible"),
        ("PREDICT t.x FOR EACH COUNT(u.id)", 1, 22, "COUNT does not go here"),
        ("PREDICT COUNT(*, 0, 7) FOR EACH u.id", 1, 15, "`\\*` belongs to a table"),
        ("PREDICT COUNT(t.*, 0) FOR EACH u.id", 1, 21, "a start and an end"),
        ("PREDICT COUNT(t.*, 0, 7, years) FOR EACH u.id", 1, 26, "no unit is called `years`[\\s\\S]*there are seconds"),
        ("PREDICT COUNT(t.*, '0', 7) FOR EACH u.id", 1, 20, "unexpected `'0'`[\\s\\S]*-INF or a number"),
        ("PREDICT COUNT(t.*, 0, 999999) FOR EACH u.id", 1, 20, "further than 200 years[\\s\\S]*-INF"),
        ("PREDICT t.x + t.y FOR EACH t.id", 1, 13, "there is no arithmetic"),
        ("PREDICT t.x -3 FOR EACH t.id", 1, 13, "there is no arithmetic"),
        ("PREDICT t.x, t.y FOR EACH t.id", 1, 12, "a query has one target"),
        ("PREDICT t.x AS y FOR EACH t.id", 1, 13, "no other name"),
        ("PREDICT CASE WHEN t.x = 1 FOR EACH t.id", 1, 9, "there is no CASE[\\s\\S]*WHERE"),
        ("PREDICT t.x FOR EACH id", 1, 22, "a column goes with its table \\(got `id`\\)[\\s\\S]*table\\.column"),
        ("PREDICT t.x FOR EACH t.id ORDER BY t.x", 1, 27, "there is no ORDER BY"),
        ("PREDICT t.x FOR EACH t.id GROUP BY t.x", 1, 27, "there is no GROUP BY"),
        ("PREDICT t.x FOR EACH t.id LIMIT 3", 1, 27, "there is no LIMIT[\\s\\S]*RANK TOP k"),
        ("PREDICT t.x FOR EACH t.id WHERE t.y IN (SELECT 1)", 1, 41, "there are no subqueries"),
        ("PREDICT t.x FOR EACH t.id WHERE t.y IN ()", 1, 41, "this list is empty"),
        ("PREDICT t.x FOR EACH t.id WHERE t.y = 'abc", 1, 39, "this string does not end"),
        ("PREDICT t.x FOR EACH t.id WHERE t.y > 1e999", 1, 39, "too large"),
        ("PREDICT t.x FOR EACH t.id WHERE", 1, 32, "unexpected end of the query"),
        ("PREDICT LIST_DISTINCT(t.x, 0, 7) RANK TOP 1.5 FOR EACH t.id", 1, 43, "whole number \\(got 1\\.5\\)"),
    ],
)
def test_mistakes_are_placed(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_query(text)
    shown = str(caught.value).splitlines()
    assert shown[0].startswith(f"query, line {line}, column {column}: ")
    assert shown[2].index("^") == column + 1
    assert shown[1][2:] == (text.splitlines() or [""])[line - 1]
