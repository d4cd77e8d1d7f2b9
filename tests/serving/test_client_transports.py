"""Values -> every transport -> the real Triton with the compiled model: PyTorch's scores."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from model.errors import UserError
from model.payload import RequestValues
from model.served.inputs import Float, Int
from model.store.history import requests_from_store
from serving.client import AsyncPredictionClient, Prediction, PredictionClient, UnavailableError
from serving.client_send import Transport
from serving.twin.process import free_ports
from tests.model.served_model import NAME, ServedModel, make_served_model
from tests.model.small_shop import at_day
from tests.triton_server import TritonServer, triton_server

NUM_REQUESTS = 1000
TRANSPORTS: tuple[Transport, ...] = ("json", "binary", "grpc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    model: ServedModel
    server: TritonServer
    values: list[RequestValues]
    keys: Int
    anchors_ns: Int

    def url(self, transport: Transport) -> str:
        return self.server.grpc_url if transport == "grpc" else self.server.url

    def client(self, transport: Transport) -> PredictionClient:
        url = self.url(transport)
        return PredictionClient(url, "none", None, self.model.contract, timeout_s=30, transport=transport)

    def async_client(self, transport: Transport) -> AsyncPredictionClient:
        url = self.url(transport)
        return AsyncPredictionClient(url, "none", None, self.model.contract, timeout_s=30, transport=transport)

    def check(self, answers: Sequence[Prediction], expected: Float) -> None:
        scores = np.array([answer.score for answer in answers])
        assert np.abs(scores - expected).max() < 1e-5
        has_embedding = np.isin(self.keys, np.sort(self.model.store.keys("customers"))[::2])
        has_embedding &= self.anchors_ns >= at_day(50)
        times = [answer.embedding_time_ns for answer in answers]
        assert times == [at_day(50) if has else None for has in has_embedding]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    model = make_served_model(tmp_path_factory.mktemp("served") / "model")
    rng = np.random.default_rng(4)
    keys = rng.choice(model.store.keys("customers"), NUM_REQUESTS).astype(np.int64)
    anchors_ns = rng.integers(at_day(-1), at_day(110), NUM_REQUESTS)
    values = requests_from_store(model.store, model.contract, keys, anchors_ns)
    with triton_server(model.repository, NAME, tmp_path_factory.mktemp("triton")) as server:
        yield Served(model=model, server=server, values=list(values), keys=keys, anchors_ns=anchors_ns)


@pytest.fixture(scope="module")
def expected(served: Served) -> Float:
    return served.model.expected(served.keys, served.anchors_ns)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_thousand_values_score_as_in_pytorch(served: Served, expected: Float, transport: Transport) -> None:
    with served.client(transport) as client:
        served.check([client.predict(each) for each in served.values], expected)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_many_entities_in_one_request_score_as_each_alone(
    served: Served, expected: Float, transport: Transport
) -> None:
    """With histories of different lengths, of which some are empty."""

    async def ask() -> list[Prediction]:
        async with served.async_client(transport) as client:
            parts = [served.values[start : start + 50] for start in range(0, NUM_REQUESTS, 50)]
            return [one for part in await asyncio.gather(*map(client.predict_many, parts)) for one in part]

    served.check(asyncio.run(ask()), expected)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_the_model_refuses_names_the_tensor(served: Served, transport: Transport) -> None:
    contract = served.model.contract
    inputs = tuple(spec for spec in contract.inputs if spec.name != "customers.id->transactions.customer:price")
    poorer = contract.model_copy(update={"inputs": inputs})
    values = served.values[0]
    with PredictionClient(served.url(transport), "none", None, poorer, timeout_s=30, transport=transport) as client:
        empty = replace(values, interactions={})
        with pytest.raises(UserError, match=r"answered 400 .*transactions.customer:price"):
            client.predict(empty)
    with served.client(transport) as client, pytest.raises(UserError, match="one entity at least"):
        client.predict_many([])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nobody_there_is_unavailable(served: Served, transport: Transport) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with (
        PredictionClient(url, "none", None, served.model.contract, transport=transport) as client,
        pytest.raises(UnavailableError, match="cannot be reached"),
    ):
        client.predict(served.values[0])

    async def ask() -> None:
        async with AsyncPredictionClient(url, "none", None, served.model.contract, transport=transport) as client:
            await client.predict(served.values[0])

    with pytest.raises(UnavailableError, match="cannot be reached"):
        asyncio.run(ask())
