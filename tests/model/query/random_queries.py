"""Queries drawn at random over the schema of `random_database.py`: every function, operator, unit and clause."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.model.query.random_database import NUM_HALF_DAYS, START, WORDS

Leaf = Callable[[], str]
_ORDERS = ("=", "!=", "<", "<=", ">", ">=", "<>", "==")
_PATTERNS = ("te%", "_ot", "pot", "t", "%", "T_a", "back\\%", "")
_UNITS = {"hours": 12, "days": 1, "minutes": 720, "seconds": 43_200, "weeks": 1, "months": 1}
"""Unit -> how many of it make a step of a window."""


@dataclass(frozen=True)
class Child:
    """A table whose rows are aggregated for an entity table."""

    name: str
    by: str
    """Text of the BY clause."""
    has_time: bool
    numbers: tuple[str, ...]
    countable: tuple[str, ...]
    """What COUNT_DISTINCT, FIRST and LAST take beside numbers."""
    listable: tuple[str, ...]
    row: dict[str, str]
    """What a WHERE inside may speak of: operand -> kind."""


_VISIT_ROW = {
    "visits.spent": "number",
    "visits.items": "number",
    "visits.stars": "number",
    "visits.note": "string",
    "visits.online": "boolean",
    "visits.due": "time",
    "visits.at_time": "time",
    "visits.shop_id": "string",
    "shops.kind": "string",
    "shops.area": "number",
    "people.town": "string",
    "people.member": "boolean",
}
_GIFT_ROW = {"gifts.worth": "number", "gifts.what": "string", "gifts.taker_id": "number", "gifts.sent": "time"}


def _visits(*listable: str) -> Child:
    columns = ("note", "stars", "online", "shop_id")
    return Child("visits", "", True, ("spent", "items"), columns, (*listable, "note", "stars"), _VISIT_ROW)


def _gifts(by: str, listed: str) -> Child:
    return Child("gifts", f" BY gifts.{by}", True, ("worth",), ("what",), (listed, "what"), _GIFT_ROW)


_BADGES = Child("badges", "", False, ("points",), ("name",), (), {"badges.points": "number", "badges.name": "string"})
_ENTITIES: dict[str, tuple[tuple[Child, ...], dict[str, str], tuple[str, ...]]] = {
    "people.person_id": (
        (_visits("shop_id"), _gifts("giver_id", "taker_id"), _gifts("taker_id", "giver_id"), _BADGES),
        {
            "people.score": "number",
            "people.grade": "number",
            "people.town": "string",
            "people.member": "boolean",
            "people.person_id": "number",
            "people.joined": "time",
            "shops.kind": "string",
        },
        ("people.score", "people.grade", "people.town", "people.member"),
    ),
    "shops.shop_id": (
        (
            _visits("person_id"),
            Child("people", "", True, ("score",), ("town", "grade"), ("town",), {"people.score": "number"}),
        ),
        {"shops.kind": "string", "shops.area": "number", "shops.shop_id": "string"},
        ("shops.kind", "shops.area"),
    ),
    "visits.visit_id": (
        (),
        _VISIT_ROW,
        ("visits.spent", "visits.items", "visits.note", "visits.online", "visits.stars"),
    ),
}
"""Entity -> (its child tables, what its filter may speak of, its columns to predict)."""


class RandomQuery:
    """Draws one query; `text` is its text."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._entity = random.choice([*_ENTITIES, "people.person_id", "people.person_id"])
        self._children, self._own, self._columns = _ENTITIES[self._entity]
        self._timed = [child for child in self._children if child.has_time]
        self.text = self._query()

    def _maybe(self, share: float) -> bool:
        return self._random.random() < share

    def _query(self) -> str:
        is_static = not self._timed or self._maybe(0.2)
        words = self._static_target() if is_static else self._future_target()
        text = f"PREDICT {words} FOR EACH {self._entity}"
        if self._maybe(0.4):
            text += f" WHERE {self._condition(self._filter_leaf, 3)}"
        if not is_static and self._maybe(0.15):
            text += f" ASSUMING {self._condition(self._future_leaf, 2)}"
        return text

    def _static_target(self) -> str:
        if self._maybe(0.5):
            return self._random.choice(self._columns)
        kinds = {name: self._own.get(name, "boolean") for name in self._columns}
        return self._condition(lambda: self._comparison(*self._random.choice(list(kinds.items()))), 2)

    def _future_target(self) -> str:
        drawn = self._random.random()
        child = self._random.choice(self._timed)
        if drawn < 0.4:
            return self._condition(self._future_leaf, 3)
        if drawn < 0.55:
            column = self._random.choice(child.listable)
            words = self._random.choice(["", " CLASSIFY", " RANK TOP 3"])
            return self._aggregate(child, "LIST_DISTINCT", column, is_future=True) + words
        if drawn < 0.65:
            function = self._random.choice(["COUNT", "SUM", "AVG", "MIN", "LAST"])
            numbers = self._aggregate(child, function, self._random.choice(child.numbers), is_future=True)
            return f"{numbers} FORECAST {self._random.randrange(1, 4)} TIMEFRAMES"
        return self._number_or_value(child, is_future=True)[0]

    def _number_or_value(self, child: Child, *, is_future: bool) -> tuple[str, str]:
        """An aggregate and the kind of its result."""
        function = self._random.choice(["COUNT", "SUM", "avg", "MIN", "Max", "COUNT_DISTINCT", "FIRST", "LAST"])
        columns = dict.fromkeys(child.numbers, "number")
        if function in ("COUNT", "COUNT_DISTINCT"):
            columns = dict.fromkeys((*child.numbers, *child.countable), "number")
        if function == "COUNT":
            columns["*"] = "number"
        if function in ("FIRST", "LAST"):
            if not child.has_time:
                return self._aggregate(child, "COUNT", "*", is_future=is_future), "number"
            columns |= {"note": "string", "stars": "number", "online": "boolean"} if child.name == "visits" else {}
            columns |= {"what": "string"} if child.name == "gifts" else {}
        if function in ("MIN", "Max") and child.name == "visits":
            columns["online"] = "boolean"
        name = self._random.choice(list(columns))
        return self._aggregate(child, function, name, is_future=is_future), columns[name]

    def _aggregate(self, child: Child, function: str, column: str, *, is_future: bool) -> str:
        row = child.row
        where = ""
        if self._maybe(0.35):
            where = f" WHERE {self._condition(lambda: self._comparison(*self._random.choice(list(row.items()))), 2)}"
        window = self._window(is_future) if child.has_time else ""
        return f"{function}({child.name}.{column}{child.by}{where}{window})"

    def _window(self, is_future: bool) -> str:
        unit, step = self._random.choice(list(_UNITS.items()))
        longest = 2 if unit in ("weeks", "months") else 12
        near = self._random.choice([0, 0, 0, self._random.randrange(longest)])
        far = self._random.randrange(near + 1, longest + 1)
        if is_future:
            start, end = str(near * step), far * step
        else:
            start, end = str(-far * step), -near * step
            if self._maybe(0.2):
                start = self._random.choice(["-INF", "-infinity"])
        if unit == "days" and self._maybe(0.3):
            return f", {start}, {end}"
        return f", {start}, {end}, {unit}"

    def _future_leaf(self) -> str:
        child = self._random.choice(self._timed)
        if self._maybe(0.15):
            return self._aggregate(child, "EXISTS", "*", is_future=True)
        return self._comparison(*self._number_or_value(child, is_future=True))

    def _filter_leaf(self) -> str:
        if not self._children or self._maybe(0.4):
            return self._comparison(*self._random.choice(list(self._own.items())))
        child = self._random.choice(self._children)
        if self._maybe(0.3):
            return self._aggregate(child, "EXISTS", "*", is_future=False)
        return self._comparison(*self._number_or_value(child, is_future=False))

    def _condition(self, leaf: Leaf, max_leaves: int) -> str:
        if max_leaves == 1 or self._maybe(0.5):
            return f"NOT {leaf()}" if self._maybe(0.15) else leaf()
        parts = [self._condition(leaf, max_leaves - 1), self._condition(leaf, 1)]
        joined = f" {self._random.choice(['AND', 'or'])} ".join(parts)
        return f"NOT ({joined})" if self._maybe(0.2) else f"({joined})" if self._maybe(0.5) else joined

    def _comparison(self, operand: str, kind: str) -> str:
        if self._maybe(0.1):
            return f"{operand} {self._random.choice(['IS NULL', 'IS NOT NULL', '= NULL', '!= null'])}"
        if self._maybe(0.15):
            many = ", ".join(self._constant(kind) for _ in range(self._random.randrange(1, 4)))
            return f"{operand} {self._random.choice(['IN', 'IS IN', 'NOT IN', 'is not in'])} ({many})"
        if kind == "string" and self._maybe(0.6):
            word = self._random.choice(["LIKE", "CONTAINS", "STARTS WITH", "ends with"])
            return f"{operand} {self._random.choice(['', 'NOT '])}{word} {_quoted(self._random.choice(_PATTERNS))}"
        orders = _ORDERS if kind in ("number", "time") else ("=", "!=", "IS", "IS NOT")
        return f"{operand} {self._random.choice(orders)} {self._constant(kind)}"

    def _constant(self, kind: str) -> str:
        random = self._random
        if kind == "number":
            return random.choice([str(random.randrange(4)), str(random.randrange(-4, 9) / 4), "1e0", "+2"])
        if kind == "string":
            return _quoted(random.choice([*WORDS, "shop 1"]))
        if kind == "boolean":
            return random.choice(["TRUE", "false", "1", "0"])
        time = START + timedelta(hours=12 * random.randrange(NUM_HALF_DAYS))
        return random.choice([f"'{time}'", f"{time:%Y-%m-%d}", f"{time:%Y-%m-%dT%H:%M}"])


def _quoted(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
