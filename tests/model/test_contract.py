from pathlib import Path

import pytest

from model.contract import CONTRACT_FILE, MISSING_FP32, MISSING_INT64, read_contract
from model.errors import UserError
from tests.model.test_payload import CONTRACT, PATH


def test_a_contract_survives_its_file(tmp_path: Path) -> None:
    (tmp_path / CONTRACT_FILE).write_text(CONTRACT.model_dump_json())
    assert read_contract(tmp_path) == CONTRACT


def test_inputs_are_found_by_name_role_and_path() -> None:
    assert CONTRACT.tensor("customers.age").column == "age"
    with pytest.raises(KeyError):
        CONTRACT.tensor("customers.aged")
    assert [spec.column for spec in CONTRACT.facts()] == ["id", "age", "club"]
    assert [spec.column for spec in CONTRACT.interaction_columns(PATH)] == ["t", "price", "shop"]
    assert CONTRACT.interaction_columns("elsewhere") == ()


@pytest.mark.parametrize(
    ("text", "message"), [(None, "no payload contract"), ("{", "not a payload contract"), ("{}", "Field required")]
)
def test_a_missing_or_broken_contract_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / CONTRACT_FILE).write_text(text)
    with pytest.raises(UserError, match=message):
        read_contract(tmp_path)


def test_null_stand_ins_are_the_lowest_of_their_types() -> None:
    assert MISSING_INT64 == -(2**63)
    assert float.fromhex("-0x1.fffffep+127") == MISSING_FP32
