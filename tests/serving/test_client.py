"""The application's client against a real twin."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model.errors import UserError
from model.payload import RequestValues
from serving.client import Prediction, PredictionClient, UnavailableError
from serving.twin.process import free_port
from tests.serving.fake_repository import KEY, PATH, Behaviour, contract
from tests.serving.stage import Stage

VALUES = RequestValues(
    anchor_time_ns=2 * 10**18,
    facts={KEY: 1, "customers.price": 0.25, "customers.club": "ACTIVE"},
    interactions={PATH: {"t_dat": [10**18], "price": [0.5], "article": ["Shirt"]}},
)


def client_of(stage: Stage, **changes: object) -> PredictionClient:
    assert stage.status is not None
    arguments = {
        "url": stage.status.url,
        "token": stage.issuer.mint(),
        "ca_path": Path(stage.status.ca_path),
        "contract": contract(),
        "timeout_s": 10.0,
    }
    return PredictionClient(**{**arguments, **changes})  # type: ignore[arg-type]


@pytest.fixture(params=["json", "binary"])
def client(shared: Stage, request: pytest.FixtureRequest) -> Iterator[PredictionClient]:
    with client_of(shared, transport=request.param) as client:
        yield client


def test_a_prediction_has_score_age_and_version(client: PredictionClient) -> None:
    assert client.predict(VALUES) == Prediction(score=0.25, embedding_time_ns=10**18, version="v1")


def test_values_that_do_not_fit_name_the_field(client: PredictionClient) -> None:
    with pytest.raises(UserError, match=r"(?s)customers.pice.*did you mean `customers.price`"):
        client.predict(replace(VALUES, facts={**VALUES.facts, "customers.pice": 1.0}))
    with pytest.raises(UserError, match=r"`customers.price` takes a finite number.*'dear'"):
        client.predict(replace(VALUES, facts={**VALUES.facts, "customers.price": "dear"}))


def test_what_the_gateway_refuses_says_what_to_do(shared: Stage) -> None:
    with client_of(shared, token="x") as client, pytest.raises(UserError, match=r"(?s)answered 401.*get a new one"):
        client.predict(VALUES)
    token = shared.issuer.mint(roles=[])
    with client_of(shared, token=token) as client, pytest.raises(UserError, match=r"(?s)answered 403.*role `predict`"):
        client.predict(VALUES)
    other = contract().model_copy(update={"model_name": "other"})
    with client_of(shared, contract=other) as client, pytest.raises(UserError, match=r"(?s)404.*another model name"):
        client.predict(VALUES)


def test_what_the_model_refuses_names_the_tensor(shared: Stage) -> None:
    """The contract has grown an input that the served model does not know."""
    form = contract()
    fact = form.tensor("customers.price").model_copy(update={"name": "customers.age", "column": "age"})
    grown = form.model_copy(update={"inputs": (*form.inputs, fact)})
    with client_of(shared, contract=grown) as client, pytest.raises(UserError, match=r"400 .*customers.age"):
        client.predict(VALUES)


def predict_often(client: PredictionClient) -> None:
    """Often enough to meet a version that gets 99 % of the requests."""
    for _ in range(20):
        client.predict(VALUES)


def test_a_failing_model_or_no_endpoint_is_unavailable(stage: Stage) -> None:
    candidate = stage.add_next(Behaviour(fail_share=1.0))
    stage.canary(candidate, 99)
    failing = rf"answered 500 \(version {candidate}\): told to fail"
    with client_of(stage) as client, pytest.raises(UnavailableError, match=failing):
        predict_often(client)
    url = f"https://localhost:{free_port()}"
    with client_of(stage, url=url) as client, pytest.raises(UnavailableError, match="cannot be reached"):
        client.predict(VALUES)


def test_an_answer_that_comes_too_late_is_unavailable(stage: Stage) -> None:
    candidate = stage.add_next(Behaviour(sleep_ms=3000))
    stage.canary(candidate, 99)
    with client_of(stage, timeout_s=0.5) as client, pytest.raises(UnavailableError, match="no answer in time"):
        predict_often(client)
