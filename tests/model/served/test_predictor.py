import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from model.contract import MISSING_INT64
from model.export import EMBEDDING_FILES
from model.payload import v2_body
from model.served.embedding_table import EmbeddingTable
from model.served.predictor import BadRequestError, Predictor, Request
from model.store.history import requests_from_store
from tests.model.served_model import NAME, ServedModel, make_served_model
from tests.model.small_shop import at_day

PATH = "customers.id->transactions.customer"
_NUMPY = {"INT64": np.int64, "FP32": np.float32, "BYTES": np.object_}
Tensors = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return make_served_model(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def predictor(served: ServedModel) -> Predictor:
    return Predictor.open(served.repository / NAME / "1")


@pytest.fixture(scope="module")
def embeddings(served: ServedModel, predictor: Predictor) -> EmbeddingTable:
    return predictor.open_embeddings(served.repository / NAME / "1" / "embeddings")


def tensors(served: ServedModel, keys: npt.NDArray[np.int64], anchors_ns: npt.NDArray[np.int64]) -> list[Tensors]:
    """What Triton hands over for the requests' JSON."""
    found = []
    for values in requests_from_store(served.store, served.contract, keys, anchors_ns):
        one: Tensors = {}
        for tensor in v2_body(served.contract, values)["inputs"]:
            data = [value.encode() if isinstance(value, str) else value for value in tensor["data"]]
            one[tensor["name"]] = np.array(data, _NUMPY[tensor["datatype"]]).reshape(tensor["shape"])
        found.append(one)
    return found


def some(served: ServedModel, number: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rng = np.random.default_rng(number)
    keys = served.store.keys("customers").astype(np.int64)
    return rng.choice(keys, number), rng.integers(at_day(20), at_day(100), number)


def good(served: ServedModel) -> Tensors:
    return tensors(served, np.array([1014]), np.array([at_day(90)]))[0]


@pytest.mark.parametrize("number", [0, 1, 2, 200])
def test_scores_are_those_of_pytorch(
    served: ServedModel, predictor: Predictor, embeddings: EmbeddingTable, number: int
) -> None:
    keys, anchors_ns = some(served, number)
    requests = [predictor.parse(one) for one in tensors(served, keys, anchors_ns)]
    score_B, _ = predictor.predict(requests, embeddings)
    assert score_B.dtype == np.float32
    np.testing.assert_allclose(score_B, served.expected(keys, anchors_ns), atol=1e-5, rtol=0)


def test_a_request_does_not_depend_on_its_company(
    served: ServedModel, predictor: Predictor, embeddings: EmbeddingTable
) -> None:
    requests = [predictor.parse(one) for one in tensors(served, *some(served, 30))]
    together, times = predictor.predict(requests, embeddings)
    for place, request in enumerate(requests):
        score_B, time_B = predictor.predict([request], embeddings)
        np.testing.assert_allclose(score_B, together[place : place + 1], atol=1e-6)
        assert time_B.tolist() == [times[place]]


def test_more_rows_than_the_model_takes_are_trimmed_as_the_client_trims(
    served: ServedModel, predictor: Predictor, embeddings: EmbeddingTable
) -> None:
    one = good(served)
    columns = {name: array for name, array in one.items() if name.startswith(PATH)}
    old = {name: np.repeat(array[:, :1], 40, axis=1) for name, array in columns.items()}
    old[f"{PATH}:t"] = old[f"{PATH}:t"] - np.arange(1, 41).reshape(1, 40, 1)
    newest = {name: np.repeat(array[:, -1:], 32, axis=1) for name, array in columns.items()}
    longer = one | {name: np.concatenate([newest[name], old[name]], axis=1) for name in columns}
    scores, _ = predictor.predict([predictor.parse(longer), predictor.parse(one | newest)], embeddings)
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_an_embedding_from_after_the_anchor_is_not_used(
    served: ServedModel, predictor: Predictor, embeddings: EmbeddingTable
) -> None:
    key = int(embeddings.keys[0])
    anchors_ns = np.array([at_day(50) - 1, at_day(50)])
    requests = [predictor.parse(one) for one in tensors(served, np.array([key, key]), anchors_ns)]
    _, times = predictor.predict(requests, embeddings)
    assert times.tolist() == [MISSING_INT64, at_day(50)]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"customers.id": None}, "`customers.id` is missing"),
        ({"anchor_time": None}, "`anchor_time` is missing"),
        ({f"{PATH}:t": None}, f"`{PATH}:t` is missing"),
        ({f"{PATH}:{column}": None for column in ("t", "price", "channel", "article")}, "a history may be empty"),
        ({f"{PATH}:price": np.zeros((1, 1, 1), np.float32)}, f"`{PATH}:price` has 1 rows"),
        ({f"{PATH}:price": np.zeros((1, 1), np.float32)}, f"`{PATH}:price` has shape"),
        ({"customers.age": np.zeros((2, 1), np.int64)}, "`customers.age` has shape"),
        ({"customers.age": np.zeros((1, 1), np.float32)}, "`customers.age` is float32; expected INT64"),
        ({"customers.club": np.zeros((1, 1), np.int64)}, "`customers.club` is int64; expected BYTES"),
        ({"anchor_time": np.full((1, 1), MISSING_INT64)}, "`anchor_time` is missing"),
    ],
)
def test_a_bad_request_is_told_which_tensor(
    served: ServedModel, predictor: Predictor, changes: dict[str, npt.NDArray[Any] | None], name: str
) -> None:
    changed = {name: array for name, array in (good(served) | changes).items() if array is not None}
    with pytest.raises(BadRequestError) as caught:
        predictor.parse(changed)
    assert name in str(caught.value)


def test_warm_up_scores_are_finite(predictor: Predictor, embeddings: EmbeddingTable) -> None:
    requests: list[Request] = predictor.warm_up_requests()
    score_B, _ = predictor.predict(requests, embeddings)
    assert len(score_B) == 65
    assert np.isfinite(score_B).all()


def test_a_regression_gives_the_value_in_its_own_unit(served: ServedModel, tmp_path: Path) -> None:
    version = served.repository / NAME / "1"
    folder = shutil.copytree(version, tmp_path / "1")
    for name, entries in (
        ("contract.json", {"task": "regression"}),
        ("settings.json", {"target": {"mean": 100.0, "std": 10.0}}),
    ):
        document = json.loads((version / name).read_text())
        (folder / name).write_text(json.dumps(document | entries))
    assert set(EMBEDDING_FILES) <= {file.name for file in (folder / "embeddings").iterdir()}
    regression = Predictor.open(folder)
    keys, anchors_ns = some(served, 20)
    requests = [regression.parse(one) for one in tensors(served, keys, anchors_ns)]
    values, _ = regression.predict(requests, regression.open_embeddings(folder / "embeddings"))
    probability = served.expected(keys, anchors_ns).astype(np.float64)
    np.testing.assert_allclose(values, 100 + 10 * np.log(probability / (1 - probability)), rtol=1e-4)
