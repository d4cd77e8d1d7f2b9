import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contract import (
    MISSING_FP32,
    MISSING_INT64,
    Datatype,
    Interactions,
    PayloadContract,
    Role,
    TensorSpec,
)
from model.errors import UserError
from model.graph import SemanticType
from model.payload import RequestValues, Value, v2_body

PATH = "customers.id->orders.customer"
ANCHOR_NS = 1_700_000_000 * 10**9


def spec(name: str, datatype: Datatype, path: str = "") -> TensorSpec:
    role = Role.INTERACTION if path else Role.FACT
    return TensorSpec(
        name=f"{path}:{name}" if path else f"customers.{name}",
        datatype=datatype,
        role=role,
        semantic_type=SemanticType.CATEGORICAL,
        path=path,
        column=name,
    )


CONTRACT = PayloadContract(
    model_name="churn",
    task="binary",
    entity_table="customers",
    embedding_key="customers.id",
    embedding_dim=4,
    base_digest="sha256:0",
    inputs=(
        TensorSpec(
            name="anchor_time",
            datatype=Datatype.INT64,
            role=Role.ANCHOR_TIME,
            semantic_type=SemanticType.TIMESTAMP,
        ),
        spec("id", Datatype.INT64),
        spec("age", Datatype.FP32),
        spec("club", Datatype.BYTES),
        spec("t", Datatype.INT64, PATH),
        spec("price", Datatype.FP32, PATH),
        spec("shop", Datatype.BYTES, PATH),
    ),
    interactions=(Interactions(path=PATH, table="orders", time_tensor=f"{PATH}:t", max_rows=3),),
)


def values(
    facts: Mapping[str, Value] | None = None, rows: Mapping[str, Sequence[Value]] | None = None
) -> RequestValues:
    interactions = {PATH: rows} if rows is not None else {}
    return RequestValues(
        anchor_time_ns=ANCHOR_NS, facts={"customers.id": 7} if facts is None else facts, interactions=interactions
    )


def tensors(body: Mapping[str, Any]) -> dict[str, tuple[list[int], list[Any]]]:
    return {tensor["name"]: (tensor["shape"], tensor["data"]) for tensor in body["inputs"]}


def test_all_tensors_are_sent_in_the_order_of_the_contract() -> None:
    rows: dict[str, list[Value]] = {"t": [ANCHOR_NS - 1, None], "price": [1.5, 2], "shop": ["a", b"b"]}
    body = v2_body(CONTRACT, values({"customers.id": 7, "customers.age": 31, "customers.club": "gold"}, rows))
    assert [tensor["name"] for tensor in body["inputs"]] == [one.name for one in CONTRACT.inputs]
    assert tensors(body) == {
        "anchor_time": ([1, 1], [ANCHOR_NS]),
        "customers.id": ([1, 1], [7]),
        "customers.age": ([1, 1], [31.0]),
        "customers.club": ([1, 1], ["gold"]),
        f"{PATH}:t": ([1, 1, 1], [ANCHOR_NS - 1]),
        f"{PATH}:price": ([1, 1, 1], [1.5]),
        f"{PATH}:shop": ([1, 1, 1], ["a"]),
    }


def test_null_is_the_stand_in_of_its_type_and_the_json_is_strict() -> None:
    rows: dict[str, list[Value]] = {"t": [ANCHOR_NS], "price": [float("nan")], "shop": [None]}
    body = v2_body(CONTRACT, values(rows=rows))
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    sent = tensors(body)
    assert sent["customers.age"] == ([1, 1], [MISSING_FP32])
    assert sent["customers.club"] == ([1, 1], [""])
    assert sent[f"{PATH}:price"] == ([1, 1, 1], [MISSING_FP32])
    assert sent[f"{PATH}:shop"] == ([1, 1, 1], [""])
    assert MISSING_INT64 not in [value for _, data in sent.values() for value in data]


def test_no_history_is_an_empty_one() -> None:
    sent = tensors(v2_body(CONTRACT, values()))
    assert sent[f"{PATH}:shop"] == ([1, 0, 1], [])


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=12))
def test_the_newest_rows_up_to_the_anchor_are_kept_in_order(offsets: list[int | None]) -> None:
    times: list[Value] = [None if offset is None else ANCHOR_NS + offset for offset in offsets]
    prices: list[Value] = list(range(len(times)))
    sent = tensors(v2_body(CONTRACT, values(rows={"t": times, "price": prices, "shop": ["x"] * len(times)})))
    known = [(offset, place) for place, offset in enumerate(offsets) if offset is not None and offset <= 0]
    expected = sorted(place for _, place in sorted(known)[-3:])
    assert sent[f"{PATH}:price"][1] == expected
    assert sent[f"{PATH}:t"][1] == [times[place] for place in expected]


@pytest.mark.parametrize(
    ("facts", "rows", "message"),
    [
        ({}, None, "`customers.id` is missing"),
        ({"customers.id": None}, None, "`customers.id` is missing"),
        ({"customers.id": "7"}, None, r"`customers.id` takes a whole number of 64 bits \(got '7'\)"),
        ({"customers.id": 2**63}, None, "`customers.id` takes a whole number of 64 bits"),
        ({"customers.id": 7.5}, None, "`customers.id` takes a whole number of 64 bits"),
        ({"customers.id": float("nan")}, None, "`customers.id` takes a whole number of 64 bits"),
        ({"customers.id": 7, "customers.age": "old"}, None, "`customers.age` takes a finite number of 32 bits"),
        ({"customers.id": 7, "customers.age": float("inf")}, None, "`customers.age` takes a finite number"),
        ({"customers.id": 7, "customers.age": 1e39}, None, "`customers.age` takes a finite number"),
        ({"customers.id": 7, "customers.club": 3}, None, "`customers.club` takes a string"),
        ({"customers.id": 7, "customers.club": b"\xff"}, None, "`customers.club` takes UTF-8"),
        ({"customers.id": 7, "customers.clubb": "x"}, None, "did you mean `customers.club`"),
        ({"customers.id": 7}, {"t": [1], "price": [1]}, f"`{PATH}:shop` is missing"),
        ({"customers.id": 7}, {"t": [1], "price": [1, 2], "shop": ["a"]}, f"`{PATH}:price` has 2 values"),
        ({"customers.id": 7}, {"t": [1], "price": [1], "shop": ["a"], "prise": [1]}, "did you mean `price`"),
        ({"customers.id": 7}, {"t": ["now"], "price": [1], "shop": ["a"]}, f"`{PATH}:t` takes a whole number"),
    ],
)
def test_a_mistake_names_its_place(
    facts: Mapping[str, Value], rows: Mapping[str, Sequence[Value]] | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        v2_body(CONTRACT, values(facts, rows))


def test_an_unknown_path_is_named() -> None:
    wrong = replace(values(), interactions={"customers.id->orders.custmer": {}})
    with pytest.raises(UserError, match=r"did you mean `customers\.id->orders\.customer`"):
        v2_body(CONTRACT, wrong)
