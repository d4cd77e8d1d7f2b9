"""A query meets the graph: tasks and horizons are told, every misfit has its own error."""

import pytest

from model.errors import UserError
from model.graph import Column, Graph, Link, SemanticType, Table
from model.query import BoundQuery, bind_query, parse_query
from model.query.bound import DAY_NS

NUMERICAL, CATEGORICAL, ID = SemanticType.NUMERICAL, SemanticType.CATEGORICAL, SemanticType.ID


def table(name: str, time: str | None = None, key: str | None = "id", **columns: tuple[str, SemanticType]) -> Table:
    made = [Column(name=key, semantic_type=ID, storage_type="BIGINT")] if key else []
    made += [Column(name=c, semantic_type=meaning, storage_type=t) for c, (t, meaning) in columns.items()]
    if time:
        made.append(Column(name=time, semantic_type=SemanticType.TIMESTAMP, storage_type="TIMESTAMP"))
    return Table(name=name, columns=tuple(made), primary_key=key, time_column=time)


def link(child: str, column: str, parent: str) -> Link:
    return Link(child_table=child, child_column=column, parent_table=parent)


LINK = ("BIGINT", ID)
GRAPH = Graph(
    tables=(
        table("users", age=("SMALLINT", NUMERICAL), town=("VARCHAR", CATEGORICAL), bio=("VARCHAR", SemanticType.TEXT)),
        table("items", kind=("VARCHAR", CATEGORICAL), vector=("FLOAT[]", SemanticType.EMBEDDING)),
        table(
            "orders",
            time="placed",
            user_id=LINK,
            item_id=LINK,
            price=("DOUBLE", NUMERICAL),
            channel=("TINYINT", CATEGORICAL),
            note=("VARCHAR", CATEGORICAL),
            fraud=("BOOLEAN", CATEGORICAL),
        ),
        table("addresses", user_id=LINK, street=("VARCHAR", CATEGORICAL)),
        table("parts", time="made", order_id=LINK),
        table("messages", time="sent", sender_id=LINK, receiver_id=LINK),
        table("gifts", time="given", id2=LINK),
        table("keyless", key=None, x=("DOUBLE", NUMERICAL)),
    ),
    links=(
        link("orders", "user_id", "users"),
        link("orders", "item_id", "items"),
        link("addresses", "user_id", "users"),
        link("parts", "order_id", "orders"),
        link("messages", "sender_id", "users"),
        link("messages", "receiver_id", "users"),
        link("gifts", "id2", "users"),
        link("gifts", "id", "users"),
    ),
)


def bound(text: str) -> BoundQuery:
    return bind_query(parse_query(text), GRAPH)


@pytest.mark.parametrize(
    ("target", "task"),
    [
        ("COUNT(orders.*, 0, 30) = 0", "binary"),
        ("NOT EXISTS(orders.*, 0, 30)", "binary"),
        ("COUNT(orders.*, 0, 30)", "regression"),
        ("AVG(orders.price, 0, 30)", "regression"),
        ("LAST(orders.price, 0, 30)", "regression"),
        ("LAST(orders.note, 0, 30)", "multiclass"),
        ("FIRST(orders.channel, 0, 30)", "multiclass"),
        ("MAX(orders.channel, 0, 30)", "regression"),
        ("LAST(orders.fraud, 0, 30)", "binary"),
        ("MAX(orders.fraud, 0, 30)", "binary"),
        ("LAST(orders.note, 0, 30) CLASSIFY", "multiclass"),
        ("LIST_DISTINCT(orders.item_id, 0, 30)", "link"),
        ("LIST_DISTINCT(orders.item_id, 0, 30) RANK TOP 12", "link"),
        ("LIST_DISTINCT(orders.item_id, 0, 30) CLASSIFY", "multilabel"),
        ("LIST_DISTINCT(orders.note, 0, 30)", "multilabel"),
        ("LIST_DISTINCT(orders.channel, 0, 30) RANK TOP 2", "multilabel"),
        ("LIST_DISTINCT(messages.receiver_id BY messages.sender_id, 0, 30) RANK TOP 2", "link"),
        ("SUM(orders.price, 0, 30) FORECAST 3 TIMEFRAMES", "forecast"),
        ("LAST(orders.price, 0, 30) FORECAST 1 TIMEFRAMES", "forecast"),
        ("users.age", "regression"),
        ("users.town", "multiclass"),
        ("users.town = 'Lyon'", "binary"),
    ],
)
def test_the_target_tells_the_task(target: str, task: str) -> None:
    assert bound(f"PREDICT {target} FOR EACH users.id").task == task


def test_windows_tell_horizon_and_look_back() -> None:
    query = bound(
        "PREDICT SUM(orders.price, 0, 2, weeks) > 1 AND COUNT(orders.*, 3, 5) = 0 FOR EACH users.id "
        "WHERE COUNT(orders.*, -48, 0, hours) > 0 AND COUNT(orders.*, -INF, 0) > 3 AND COUNT(addresses.*) > 1 "
        "ASSUMING EXISTS(orders.*, 0, 20, days)"
    )
    assert (query.horizon_ns, query.look_back_ns) == (20 * DAY_NS, 2 * DAY_NS)
    assert (query.entity_table, query.entity_key, query.target_tables) == ("users", "id", ("orders",))
    assert not query.is_static
    assert query.hidden_columns == ()


def test_a_forecast_reaches_to_the_end_of_its_last_window() -> None:
    query = bound("PREDICT SUM(orders.price, 1, 3, weeks) FORECAST 3 TIMEFRAMES FOR EACH users.id")
    assert (query.horizon_ns, query.num_timeframes) == ((1 + 3 * 2) * 7 * DAY_NS, 3)


def test_a_ranking_tells_what_is_ranked_and_how_many() -> None:
    query = bound("PREDICT LIST_DISTINCT(orders.item_id, 0, 7) RANK TOP 12 FOR EACH users.id")
    assert (query.item_table, query.top) == ("items", 12)
    assert bound("PREDICT LIST_DISTINCT(orders.note, 0, 7) FOR EACH users.id").item_table is None


def test_a_filter_of_entities_inside_the_target_is_pointed_out() -> None:
    text = "PREDICT COUNT(orders.* WHERE users.age > 18 AND users.town = 'Lyon', 0, 7) FOR EACH users.id"
    (note,) = bound(text).notes
    assert note.endswith("write FOR EACH users.id WHERE users.age > 18 AND users.town = 'Lyon'")
    assert bound(text.replace("users.town", "items.kind")).notes == ()


def test_a_static_target_hides_its_column() -> None:
    query = bound("PREDICT orders.fraud = 1 FOR EACH orders.id WHERE users.age > 18")
    assert query.is_static
    assert (query.task, query.horizon_ns, query.time_column) == ("binary", 0, "placed")
    assert query.hidden_columns == (("orders", "fraud"),)
    assert bound("PREDICT orders.fraud FOR EACH orders.id").task == "binary"


def test_two_links_need_by_unless_one_is_named_like_the_key() -> None:
    assert bound("PREDICT COUNT(messages.* BY messages.sender_id, 0, 7) FOR EACH users.id").notes == ()
    with pytest.raises(UserError, match=r"2 links lead from `messages` to `users`[\s\S]*BY messages\.sender_id or BY"):
        bound("PREDICT COUNT(messages.*, 0, 7) FOR EACH users.id")
    with pytest.raises(UserError, match=r"BY names a link"):
        bound("PREDICT COUNT(messages.* BY messages.id, 0, 7) FOR EACH users.id")
    assert "`id`, which is named like the key" in bound("PREDICT COUNT(gifts.*, 0, 7) FOR EACH users.id").notes[0]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("PREDICT COUNT(order.*, 0, 7) FOR EACH users.id", "order.*", "no table `order`[\\s\\S]*mean `orders`"),
        ("PREDICT COUNT(Orders.*, 0, 7) FOR EACH users.id", "Orders.*", "mean `orders`\\? \\(names are case-sens"),
        ("PREDICT SUM(orders.prize, 0, 7) FOR EACH users.id", "orders.prize", "no column `prize`[\\s\\S]*`price`"),
        ("PREDICT COUNT(orders.*, 0, 7) FOR EACH users.age", "users.age", "primary key[\\s\\S]*EACH users\\.id"),
        ("PREDICT COUNT(orders.*, 0, 7) FOR EACH users.ids", "users.ids", "no column `ids`"),
        ("PREDICT keyless.x FOR EACH keyless.x", "keyless.x", "has no primary key[\\s\\S]*graph\\.yaml"),
        ("PREDICT SUM(orders.*, 0, 7) FOR EACH users.id", "orders.*", "`\\*` only goes inside COUNT"),
        ("PREDICT orders.* = 1 FOR EACH orders.id", "orders.*", "`\\*` only goes inside COUNT"),
        ("PREDICT SUM(orders.note, 0, 7) FOR EACH users.id", "orders.note", "SUM needs a number \\(got string"),
        ("PREDICT AVG(orders.placed, 0, 7) FOR EACH users.id", "orders.placed", "AVG needs a number \\(got time"),
        ("PREDICT MAX(orders.item_id, 0, 7) FOR EACH users.id", "orders.item_id", "MAX needs a number \\(got a key"),
        ("PREDICT COUNT(orders.*) FOR EACH users.id", "COUNT(orders.*)", "needs a time range[\\s\\S]*0, 30, days"),
        (
            "PREDICT COUNT(orders.*, 0, 7) FOR EACH users.id WHERE COUNT(orders.*, -7, 1) > 0",
            "-7, 1",
            "may only look back \\(got an end of 1\\)",
        ),
        (
            "PREDICT COUNT(orders.*, -7, 7) > 0 FOR EACH users.id",
            "-7, 7",
            "starts at the cut-off or later \\(got -7\\)",
        ),
        (
            "PREDICT COUNT(orders.*, -INF, 7) > 0 FOR EACH users.id",
            "-INF, 7",
            "starts at the cut-off or later \\(got -INF",
        ),
        (
            "PREDICT COUNT(orders.*, 0, 7) FOR EACH users.id ASSUMING COUNT(orders.*, -7, 0) > 0",
            "-7, 0",
            "window of ASSUMING starts",
        ),
        (
            "PREDICT COUNT(orders.*, 0, 7) FOR EACH users.id ASSUMING users.age > 3",
            "users.age",
            "ASSUMING speaks of what happens after",
        ),
        ("PREDICT COUNT(addresses.*, 0, 7) FOR EACH users.id", "0, 7", "no time column[\\s\\S]*graph\\.yaml"),
        ("PREDICT COUNT(addresses.*) FOR EACH users.id", "COUNT(addresses.*)", "have no time, so they cannot"),
        ("PREDICT COUNT(orders.*, 0, 7) = 0 AND users.age > 3 FOR EACH users.id", "users.age", "mixes a column"),
        ("PREDICT items.kind FOR EACH users.id", "items.kind", "no column of the entity table"),
        ("PREDICT users.id FOR EACH users.id", "users.id", "is a key, a link or the row's time"),
        ("PREDICT orders.user_id = 3 FOR EACH orders.id", "orders.user_id", "is a key, a link"),
        ("PREDICT orders.placed > '2024-01-01' FOR EACH orders.id", "orders.placed", "row's time"),
        ("PREDICT users.bio FOR EACH users.id", "users.bio", "is text and cannot be predicted"),
        ("PREDICT MAX(orders.placed, 0, 7) FOR EACH users.id", "MAX(orders.placed, 0, 7)", "cannot be predicted"),
        ("PREDICT items.vector FOR EACH items.id", "items.vector", "cannot be predicted"),
        ("PREDICT COUNT(items.*, 0, 7) FOR EACH users.id", "items.*", "no link leads from `items` to the entity"),
        ("PREDICT COUNT(orders.*, 0, 7) FOR EACH orders.id", "orders.*", "no link leads from `orders`"),
        (
            "PREDICT COUNT(orders.* WHERE COUNT(orders.*, 0, 1) > 0, 0, 7) FOR EACH users.id",
            "COUNT(orders.*, 0, 1)",
            "an aggregate inside an aggregate",
        ),
        (
            "PREDICT COUNT(orders.* WHERE addresses.id > 0, 0, 7) FOR EACH users.id",
            "addresses.id",
            "a row of `orders` has no",
        ),
        (
            "PREDICT COUNT(orders.* WHERE orders.price > 'a', 0, 7) FOR EACH users.id",
            "orders.price > 'a'",
            "a number cannot be compared with 'a'[\\s\\S]*without quotes",
        ),
        (
            "PREDICT COUNT(orders.* WHERE orders.note = 3, 0, 7) FOR EACH users.id",
            "orders.note = 3",
            "a string cannot be compared with 3[\\s\\S]*in quotes",
        ),
        (
            "PREDICT COUNT(orders.* WHERE orders.placed > 'soon', 0, 7) FOR EACH users.id",
            "orders.placed > 'soon'",
            "a time cannot be compared with 'soon'",
        ),
        ("PREDICT users.town > 'a' FOR EACH users.id", "users.town > 'a'", "> needs a number or a time"),
        ("PREDICT users.age LIKE 'a' FOR EACH users.id", "users.age LIKE 'a'", "LIKE needs a string"),
        ("PREDICT items.vector = 1 FOR EACH items.id", "items.vector = 1", "cannot be compared"),
        ("PREDICT COUNT(orders.*, 0, 7) TOP 3 FOR EACH users.id", "TOP 3", "TOP k goes with RANK"),
        ("PREDICT LIST_DISTINCT(orders.note, 0, 7) CLASSIFY TOP 3 FOR EACH users.id", "CLASSIFY", "goes with RANK"),
        ("PREDICT COUNT(orders.*, 0, 7) RANK TOP 3 FOR EACH users.id", "RANK TOP 3", "RANK goes with LIST_DISTINCT"),
        (
            "PREDICT LIST_DISTINCT(orders.item_id, 0, 7) RANK TOP 0 FOR EACH users.id",
            "RANK",
            "from 1 to 10,000 \\(got 0",
        ),
        ("PREDICT LIST_DISTINCT(orders.item_id, 0, 7) RANK FOR EACH users.id", "RANK", "how many[\\s\\S]*RANK TOP 10"),
        ("PREDICT COUNT(orders.*, 0, 7) CLASSIFY FOR EACH users.id", "CLASSIFY", "with categories \\(got a regression"),
        ("PREDICT users.town FORECAST 3 TIMEFRAMES FOR EACH users.id", "FORECAST", "an aggregate that gives a number"),
        (
            "PREDICT COUNT(orders.*, 0, 7) > 1 FORECAST 3 TIMEFRAMES FOR EACH users.id",
            "FORECAST",
            "gives a number \\(got a binary target",
        ),
        ("PREDICT LAST(orders.note, 0, 7) FORECAST 3 TIMEFRAMES FOR EACH users.id", "FORECAST", "got a multiclass"),
        ("PREDICT COUNT(orders.*, 0, 7) FORECAST 0 TIMEFRAMES FOR EACH users.id", "FORECAST", "1 to 1,000 timeframes"),
        ("PREDICT LIST_DISTINCT(orders.user_id, 0, 7) FOR EACH users.id", "orders.user_id", "is the entity itself"),
        ("PREDICT LIST_DISTINCT(orders.id, 0, 7) FOR EACH users.id", "orders.id", "another one in every row"),
        ("PREDICT LIST_DISTINCT(orders.price, 0, 7) FOR EACH users.id", "orders.price", "a link or a category"),
        (
            "PREDICT LIST_DISTINCT(orders.item_id, 0, 7) = 3 FOR EACH users.id",
            "LIST_DISTINCT",
            "cannot be compared[\\s\\S]*COUNT_DISTINCT",
        ),
        (
            "PREDICT LAST(orders.item_id, 0, 7) FOR EACH users.id",
            "LAST",
            "one linked row is no class[\\s\\S]*LIST_DIST",
        ),
        ("PREDICT SUM(orders.note, 0, 7) FOR EACH users.id", "orders.note", "WHERE orders\\.note = '\\.\\.\\.'"),
        ("PREDICT FIRST(items.vector, 0, 7) FOR EACH users.id", "items.vector", "no link leads from `items`"),
        (
            "PREDICT COUNT(items.*, 0, 7) FOR EACH users.id",
            "items.*",
            "two links away: aggregate over `orders`, whose WHERE may use columns of `items`",
        ),
        (
            "PREDICT COUNT(parts.*, 0, 7) FOR EACH users.id",
            "parts.*",
            "two links away, by `orders`: give `parts` a column with the key of `users`",
        ),
        (
            "PREDICT users.age FOR EACH users.id ASSUMING COUNT(orders.*, 0, 7) > 0",
            "ASSUMING",
            "ASSUMING goes with an aggregate over time",
        ),
        (
            "PREDICT users.age FOR EACH users.id WHERE orders.price > 3",
            "orders.price",
            "a row of `users` has no[\\s\\S]*e\\.g\\. COUNT\\(orders\\.\\* WHERE",
        ),
        (
            "PREDICT users.age FOR EACH users.id WHERE users.town IN ('a', NULL)",
            "users.town IN",
            "nothing equals NULL[\\s\\S]*IS NULL",
        ),
        (
            "PREDICT users.age FOR EACH users.id WHERE LAST(addresses.street) = 'a'",
            "LAST",
            "no time, so none is first or last",
        ),
        (
            "PREDICT users.age FOR EACH users.id WHERE COUNT(addresses.*, -7, 0) > 0",
            "-7, 0",
            "no window[\\s\\S]*FOR EACH \\.\\.\\. WHERE COUNT\\(addresses",
        ),
    ],
)
def test_a_misfit_is_placed_and_explained(text: str, place: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        bound(text)
    shown = str(caught.value).splitlines()
    assert shown[1] == f"  {text}"
    assert shown[2].index("^") - 2 in {i for i in range(len(text)) if text.startswith(place, i)}
