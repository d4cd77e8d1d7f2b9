"""Each token gets exactly its status from the real gateway; nothing but the token decides."""

import httpx
import pytest

from tests.serving.fake_repository import request_body
from tests.serving.stage import INFER, Stage
from tests.serving.twin.token_cases import TOKEN_CASES, TokenCase


@pytest.mark.parametrize("case", TOKEN_CASES, ids=[case.name for case in TOKEN_CASES])
def test_a_token_gets_exactly_its_status(shared: Stage, case: TokenCase) -> None:
    with shared.http() as http:
        del http.headers["authorization"]
        request = httpx.Request(
            "POST",
            f"{http.base_url}{INFER}{case.query(shared.issuer)}",
            headers=case.headers(shared.issuer),
            content=request_body(),
        )
        answer = http.send(request)
    assert answer.status_code == case.status, answer.text
    if case.status in (401, 403):
        assert set(answer.json()) == {"error"}


def test_the_table_has_many_cases_of_both_kinds_and_each_name_once() -> None:
    names = [case.name for case in TOKEN_CASES]
    assert len(names) == len(set(names)) >= 30
    assert sum(case.status == 200 for case in TOKEN_CASES) >= 5
