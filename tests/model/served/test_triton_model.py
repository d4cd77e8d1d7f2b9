"""The exported repository in the real Triton: PyTorch's scores, errors that name the tensor, live embeddings."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import pytest

from model.contract import MISSING_INT64
from model.payload import v2_body
from model.served.score_histogram import score_bounds
from model.store.history import requests_from_store
from model.task import TaskHead
from tests.model.served_model import NAME, ServedModel, make_served_model, write_embeddings
from tests.model.small_shop import at_day
from tests.triton_server import TritonServer, triton_server

PROBE_ID = "stillhouse-probe"
PATH = "customers.id->transactions.customer"
NUM_REQUESTS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    served: ServedModel
    server: TritonServer
    live: Path
    client: httpx.Client

    def post(self, body: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(f"{self.server.url}/v2/models/{NAME}/infer", content=content)

    def body(self) -> dict[str, Any]:
        """A good request of a customer with an embedding and a history."""
        values = requests_from_store(self.served.store, self.served.contract, [1014], np.array([at_day(90)]))
        return v2_body(self.served.contract, values[0])

    def swing(self, folder: Path) -> None:
        """Let `current` point at `folder`."""
        link = self.live / "next"
        link.symlink_to(folder)
        link.replace(self.live / "current")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.server.log.read_text()[-2000:]
            time.sleep(0.02)


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return make_served_model(tmp_path_factory.mktemp("served") / "model", request.param)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory, served: ServedModel) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("triton")
    live = folder / "live"
    live.mkdir()
    environment = {"STILLHOUSE_EMBEDDINGS": str(live)}
    with triton_server(served.repository, NAME, folder, environment) as server, httpx.Client(timeout=30) as client:
        yield Endpoint(served=served, server=server, live=live, client=client)


def outputs(response: httpx.Response) -> tuple[list[float], list[int]]:
    assert response.status_code == 200, response.text
    found = {tensor["name"]: tensor["data"] for tensor in response.json()["outputs"]}
    return found["score"], found["embedding_time"]


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {"inputs": [tensor for tensor in body["inputs"] if tensor["name"] != name]}


def changed(body: dict[str, Any], name: str, **entries: Any) -> dict[str, Any]:
    assert name in [tensor["name"] for tensor in body["inputs"]]
    return {"inputs": [tensor | entries if tensor["name"] == name else tensor for tensor in body["inputs"]]}


def test_a_thousand_requests_score_as_in_pytorch(endpoint: Endpoint) -> None:
    served = endpoint.served
    rng = np.random.default_rng(3)
    keys = rng.choice(served.store.keys("customers"), NUM_REQUESTS)
    anchors_ns = rng.integers(at_day(-1), at_day(110), NUM_REQUESTS)
    bodies = [
        json.dumps(v2_body(served.contract, values), allow_nan=False).encode()
        for values in requests_from_store(served.store, served.contract, keys, anchors_ns)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = [outputs(response) for response in pool.map(endpoint.post, bodies)]
    scores = np.array([score[0] for score, _ in answers])
    expected = served.expected(keys, anchors_ns)
    largest = float(np.abs(scores - expected).max())
    print(f"largest difference of {NUM_REQUESTS} probabilities: {largest:.2e}; their deviation: {expected.std():.3f}")
    assert largest < 1e-5
    assert expected.std() > 0.05
    has_embedding = np.isin(keys, np.sort(served.store.keys("customers"))[::2]) & (anchors_ns >= at_day(50))
    times = np.array([time_ns[0] for _, time_ns in answers])
    np.testing.assert_array_equal(times, np.where(has_embedding, at_day(50), MISSING_INT64))


@pytest.mark.parametrize(
    ("head", "engine"),
    [
        (TaskHead(kind="regression", mean=10.0, std=4.0, low=8.0, high=13.0), "compiled"),
        (TaskHead(kind="regression", mean=10.0, std=4.0, low=8.0, high=13.0), "numpy"),
        (TaskHead(kind="multiclass", classes=("blue", "green", "red")), "numpy"),
        (TaskHead(kind="forecast", num_timeframes=4, mean=10.0, std=4.0, low=8.0, high=13.0), "numpy"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_every_task_is_answered_as_in_pytorch(
    head: TaskHead, engine: Literal["compiled", "numpy"], tmp_path: Path
) -> None:
    served = make_served_model(tmp_path / "model", engine, head)
    keys = np.resize(served.store.keys("customers").astype(np.int64), 60)
    anchors_ns = np.random.default_rng(4).integers(at_day(-1), at_day(110), len(keys))
    with triton_server(served.repository, NAME, tmp_path) as server, httpx.Client(timeout=30) as client:
        endpoint = Endpoint(served=served, server=server, live=tmp_path, client=client)
        values = requests_from_store(served.store, served.contract, keys, anchors_ns)
        scores = np.array([outputs(endpoint.post(v2_body(served.contract, one)))[0] for one in values])
    expected = served.expected(keys, anchors_ns).reshape(len(keys), -1)
    assert scores.shape == (len(keys), served.contract.num_scores)
    np.testing.assert_allclose(scores, expected, atol=2e-5)
    if head.is_number:
        assert {8.0, 13.0} < set(scores.ravel().tolist())


def test_several_items_in_one_request(endpoint: Endpoint) -> None:
    body = endpoint.body()
    single, _ = outputs(endpoint.post(body))
    tripled = {
        "inputs": [
            tensor | {"shape": [3, *tensor["shape"][1:]], "data": tensor["data"] * 3} for tensor in body["inputs"]
        ]
    }
    scores, _ = outputs(endpoint.post(tripled))
    np.testing.assert_allclose(scores, single * 3, atol=1e-6)


def test_scores_are_counted_by_bound(served: ServedModel, tmp_path: Path) -> None:
    bounds = (*score_bounds("binary"), np.inf)
    with triton_server(served.repository, NAME, tmp_path) as server, httpx.Client(timeout=30) as client:
        endpoint = Endpoint(served=served, server=server, live=tmp_path, client=client)
        score = outputs(endpoint.post(endpoint.body()))[0][0]
        outputs(endpoint.post({"id": PROBE_ID, **endpoint.body()}))
        outputs(endpoint.post(changed(endpoint.body(), "customers.id", data=[5])))

        def told(bound: float) -> float:
            label = f'le="{bound:g}"'.replace("inf", "+Inf")
            return server.metric("stillhouse_score_bucket", label)

        endpoint.wait_for(lambda: told(np.inf) == 2)  # the probe's does not count
        counts = [told(bound) for bound in bounds]
        assert counts == sorted(counts)
        below, above = (bounds[np.searchsorted(bounds, score) + step] for step in (-1, 0))
        assert told(above) - told(below) >= 1


def test_null_can_be_said_in_three_ways(endpoint: Endpoint) -> None:
    body = endpoint.body()
    stand_in = outputs(endpoint.post(changed(body, "customers.age", data=[MISSING_INT64])))
    assert outputs(endpoint.post(without(body, "customers.age"))) == stand_in
    price = f"{PATH}:price"
    number = len(next(tensor for tensor in body["inputs"] if tensor["name"] == price)["data"])
    lowest = outputs(endpoint.post(changed(body, price, data=[-3.4028234663852886e38] * number)))
    assert outputs(endpoint.post(changed(body, price, data=[float("nan")] * number))) == lowest
    assert outputs(endpoint.post(body)) not in (stand_in, lowest)


def test_rows_after_the_anchor_change_nothing(endpoint: Endpoint) -> None:
    body = endpoint.body()
    longer = {
        "inputs": [
            tensor
            | {"shape": [1, len(tensor["data"]) + 1, 1], "data": [*tensor["data"], _future(tensor, at_day(90) + 1)]}
            if tensor["name"].startswith(PATH)
            else tensor
            for tensor in body["inputs"]
        ]
    }
    assert outputs(endpoint.post(longer)) == outputs(endpoint.post(body))


def _future(tensor: dict[str, Any], time_ns: int) -> Any:
    return time_ns if tensor["name"].endswith(":t") else tensor["data"][0]


def test_a_bad_request_gets_an_error_that_names_the_tensor(endpoint: Endpoint) -> None:
    body = endpoint.body()
    price, article = f"{PATH}:price", f"{PATH}:article"
    cases = [
        (without(body, "customers.id"), "customers.id"),
        (without(body, "anchor_time"), "anchor_time"),
        (without(body, price), price),
        (changed(body, "customers.age", datatype="FP32"), "customers.age"),
        (changed(body, price, shape=[1, 1, 1], data=[1.0]), price),
        (changed(body, article, shape=[1, 0, 1], data=[]), article),
        (changed(body, price, data=[1e39] * len(_data(body, price))), price),
        (changed(body, "anchor_time", data=[MISSING_INT64]), "anchor_time"),
        (changed(body, "customers.age", shape=[1, 2], data=[1, 2]), "customers.age"),
        ({"inputs": [*body["inputs"], {"name": "x.y", "datatype": "FP32", "shape": [1, 1], "data": [1.0]}]}, "x.y"),
    ]
    for bad, name in cases:
        response = endpoint.post(bad)
        assert response.status_code == 400, (name, response.text)
        assert name in response.json()["error"]
    for unreadable in (b"{", b"", json.dumps(changed(body, "customers.age", data=[None])).encode()):
        assert endpoint.post(unreadable).status_code in (400, 500)
    outputs(endpoint.post(body))


def _data(body: dict[str, Any], name: str) -> list[Any]:
    data: list[Any] = next(tensor for tensor in body["inputs"] if tensor["name"] == name)["data"]
    return data


def test_bad_requests_do_not_spoil_the_batch_of_good_ones(endpoint: Endpoint) -> None:
    good = endpoint.body()
    bad = changed(good, f"{PATH}:price", shape=[1, 1, 1], data=[1.0])
    expected = outputs(endpoint.post(good))[0][0]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(endpoint.post, [good, bad] * 100))
    assert {answer.status_code for answer in answers[1::2]} == {400}
    np.testing.assert_allclose([outputs(answer)[0][0] for answer in answers[::2]], expected, atol=1e-6)


def test_new_embeddings_take_over_and_foreign_ones_are_refused(endpoint: Endpoint, tmp_path: Path) -> None:
    server, body = endpoint.server, endpoint.body()
    cutoff = "stillhouse_embedding_cutoff_seconds"
    refused = "stillhouse_embedding_refused_total"
    missing = "stillhouse_embedding_missing_total"
    before = outputs(endpoint.post(body))
    assert server.metric(cutoff) == pytest.approx(at_day(50) / 1e9)
    everyone = np.sort(endpoint.served.store.keys("customers").astype(np.int64))

    write_embeddings(tmp_path / "fresh", everyone, at_day(80), seed=6)
    endpoint.swing(tmp_path / "fresh")
    endpoint.wait_for(lambda: server.metric(cutoff) == pytest.approx(at_day(80) / 1e9))
    after = outputs(endpoint.post(body))
    assert after[1] == [at_day(80)]
    assert after[0] != before[0]

    write_embeddings(tmp_path / "foreign", everyone, at_day(85), base_digest="sha256:" + "f" * 64)
    endpoint.swing(tmp_path / "foreign")
    endpoint.wait_for(lambda: server.metric(refused) == 1)
    assert outputs(endpoint.post(body)) == after
    assert "embeddings refused" in server.log.read_text()

    counted = server.metric(missing)
    stranger = changed(body, "customers.id", data=[5])
    assert outputs(endpoint.post(stranger))[1] == [MISSING_INT64]
    assert server.metric(missing) == counted + 1
    outputs(endpoint.post(changed(body, "anchor_time", data=[at_day(79)])))
    assert server.metric(missing) == counted + 2
