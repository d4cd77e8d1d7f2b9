"""Malformed requests over HTTP and gRPC to the real Triton: each gets an error, good ones beside it their score.

With the compiled engine only: in the Python backend one string of a false length fails its whole batch (docs/log.md).
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import numpy as np
import pytest

from model.contract import MISSING_INT64
from model.payload import RequestValues, request_tensors
from model.store.history import requests_from_store
from serving.client_grpc import INFER
from serving.client_wire import JSON_LENGTH_HEADER, InferRequest, InferResponse, raw
from tests.model.served_model import NAME, ServedModel, make_served_model
from tests.model.small_shop import at_day
from tests.triton_server import TritonServer, triton_server

NUM_HOSTILE = 104
STRANGE_SIZES = (-(2**63), -(2**62), -1, 0, 2, 65, 2**31, 2**32, 2**61, 2**62, 2**63 - 1)
REFUSALS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """One tensor as a client may send it, true or not."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: bytes


Message = list[Wire]


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    model: ServedModel
    server: TritonServer
    client: httpx.Client
    channel: grpc.Channel

    def good(self) -> Message:
        """Of a customer with an embedding and a history."""
        values: RequestValues
        [values] = requests_from_store(self.model.store, self.model.contract, [1014], np.array([at_day(90)]))
        return [
            Wire(name=each.spec.name, datatype=each.spec.datatype.value, shape=each.shape, data=raw(each))
            for each in request_tensors(self.model.contract, [values])
        ]

    def over_http(self, message: Message) -> tuple[bool, str, list[float]]:
        """Whether there are scores, what was said, and they."""
        inputs = [
            {
                "name": one.name,
                "datatype": one.datatype,
                "shape": list(one.shape),
                "parameters": {"binary_data_size": len(one.data)},
            }
            for one in message
        ]
        head = json.dumps({"inputs": inputs}).encode()
        body = head + b"".join(one.data for one in message)
        answer = self.client.post(
            f"/v2/models/{NAME}/infer", content=body, headers={JSON_LENGTH_HEADER: str(len(head))}
        )
        if answer.status_code != 200:
            assert answer.status_code in (400, 500), answer.text
            return False, f"{answer.status_code} {answer.json()['error']}", []
        [scores] = [output["data"] for output in answer.json()["outputs"] if output["name"] == "score"]
        return True, "", scores

    def over_grpc(self, message: Message) -> tuple[bool, str, list[float]]:
        """The same."""
        request = InferRequest(model_name=NAME, raw_input_contents=[one.data for one in message])
        for one in message:
            request.inputs.add(name=one.name, datatype=one.datatype, shape=one.shape)
        ask = self.channel.unary_unary(INFER, InferRequest.SerializeToString, InferResponse.FromString)
        call: Any = ask.future(request, timeout=30)
        if call.code() is not grpc.StatusCode.OK:
            assert call.code() in REFUSALS, call.details()
            return False, f"{call.code().name} {call.details()}", []
        answer = call.result()
        [place] = [place for place, output in enumerate(answer.outputs) if output.name == "score"]
        return True, "", np.frombuffer(answer.raw_output_contents[place], "<f4").tolist()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    model = make_served_model(tmp_path_factory.mktemp("served") / "model", "compiled")
    with (
        triton_server(model.repository, NAME, tmp_path_factory.mktemp("triton")) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
        grpc.insecure_channel(urlsplit(server.grpc_url).netloc) as channel,
    ):
        yield Served(model=model, server=server, client=client, channel=channel)


def _resized(random_: random.Random, message: Message, place: int) -> None:
    shape = list(message[place].shape)
    shape[random_.randrange(len(shape))] = random_.choice(STRANGE_SIZES)
    message[place] = replace(message[place], shape=tuple(shape))


def _all_resized(random_: random.Random, message: Message, place: int) -> None:
    """Columns of one history, or all tensors, agree on a size that their data does not have."""
    history = message[place].name.rpartition(":")[0]
    axis, size, is_empty = (1 if history else 0), random_.choice(STRANGE_SIZES), random_.random() < 0.7
    for index, one in enumerate(message):
        if one.name.rpartition(":")[0] == history or not history:
            shape = (*one.shape[:axis], size, *one.shape[axis + 1 :])
            message[index] = replace(one, shape=shape, data=b"" if is_empty else one.data)


def _flattened(random_: random.Random, message: Message, place: int) -> None:
    shape = message[place].shape
    message[place] = replace(message[place], shape=random_.choice([(), shape[:1], (*shape, 1), shape * 20]))


def _retyped(random_: random.Random, message: Message, place: int) -> None:
    datatype = random_.choice(["INT64", "FP32", "BYTES", "FP64", "BOOL", "FP16", "", "int64", "é"])
    message[place] = replace(message[place], datatype=datatype)


def _cut(random_: random.Random, message: Message, place: int) -> None:
    message[place] = replace(
        message[place], data=message[place].data[: random_.randrange(len(message[place].data) or 1)]
    )


def _longer(random_: random.Random, message: Message, place: int) -> None:
    message[place] = replace(message[place], data=message[place].data + random_.randbytes(random_.choice([1, 4, 8])))


def _scrambled(random_: random.Random, message: Message, place: int) -> None:
    data = bytearray(message[place].data)
    for _ in range(3 if data else 0):
        data[random_.randrange(len(data))] = random_.randrange(256)
    message[place] = replace(message[place], data=bytes(data))


def _strange_lengths(random_: random.Random, message: Message, place: int) -> None:
    for index, one in enumerate(message):
        if one.datatype == "BYTES" and one.data:
            length = random_.choice([2**32 - 1, 2**32 - 4, 2**31, len(one.data)])
            message[index] = replace(one, data=length.to_bytes(4, "little") + one.data[4:])


def _infinite(random_: random.Random, message: Message, place: int) -> None:
    for index, one in enumerate(message):
        if one.datatype == "FP32":
            numbers = np.full(len(one.data) // 4, random_.choice([np.inf, -np.inf]), np.float32)
            message[index] = replace(one, data=numbers.tobytes())


def _at_the_ends(random_: random.Random, message: Message, place: int) -> None:
    for index, one in enumerate(message):
        if one.datatype == "INT64":
            numbers = [random_.choice([MISSING_INT64, MISSING_INT64 + 1, -1, 2**63 - 1]) for _ in one.data[::8]]
            message[index] = replace(one, data=np.array(numbers, np.int64).tobytes())


def _left_out(_: random.Random, message: Message, place: int) -> None:
    message.pop(place)


def _doubled(random_: random.Random, message: Message, place: int) -> None:
    message.insert(random_.randrange(len(message)), message[place])


def _renamed(random_: random.Random, message: Message, place: int) -> None:
    message[place] = replace(message[place], name=random_.choice(["", "x.y", "é", message[place].name * 100]))


MUTATIONS: tuple[Callable[[random.Random, Message, int], None], ...] = (
    _resized,
    _all_resized,
    _flattened,
    _retyped,
    _cut,
    _longer,
    _scrambled,
    _strange_lengths,
    _infinite,
    _at_the_ends,
    _left_out,
    _doubled,
    _renamed,
)


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_hostile_requests_get_errors_and_good_ones_beside_them_their_score(served: Served, transport: str) -> None:
    ask = served.over_http if transport == "http" else served.over_grpc
    random_ = random.Random(7)
    good = served.good()
    [_, _, expected] = ask(good)
    messages: list[Message] = []
    for number in range(NUM_HOSTILE):
        message = list(good)
        MUTATIONS[number % len(MUTATIONS)](random_, message, random_.randrange(len(message)))
        messages += [message, good]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, messages))
    for is_scored, words, scores in answers[1::2]:
        assert is_scored, words
        np.testing.assert_allclose(scores, expected, atol=1e-6)
    done = Counter(is_scored for is_scored, _, _ in answers[::2])
    assert done[False] > NUM_HOSTILE / 2
    assert done[True] > NUM_HOSTILE / 20
    assert all(np.isfinite(scores).all() for _, _, scores in answers)
    assert served.server.process.poll() is None


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_an_error_names_the_tensor(served: Served, transport: str) -> None:
    ask = served.over_http if transport == "http" else served.over_grpc
    good = served.good()
    for place, one in enumerate(good):
        infinite = np.full(len(one.data) // 4, np.inf, np.float32).tobytes()
        changes = [
            replace(one, shape=(*one.shape[:-1], 2)),
            replace(one, data=one.data[:-1]),
            replace(one, data=one.data + b"\0"),
            replace(one, datatype="FP32" if one.datatype != "FP32" else "INT64"),
            replace(one, name="x.y"),
            *([replace(one, data=infinite)] if one.datatype == "FP32" else []),
        ]
        for changed in changes:
            is_scored, words, _ = ask([*good[:place], changed, *good[place + 1 :]])
            assert not is_scored, changed
            assert changed.name in words, (changed, words)


def test_what_is_no_request_is_refused(served: Served) -> None:
    path = f"/v2/models/{NAME}/infer"
    good = json.dumps({"inputs": []}).encode()
    for body, headers in (
        (b"", {}),
        (b"{", {}),
        (b"[" * 100_000, {}),
        (b"\xff\xfe", {}),
        (b'{"inputs": 7}', {}),
        (b'{"inputs": [7]}', {}),
        (b'{"inputs": [{"name": "anchor_time"}]}', {}),
        (good, {JSON_LENGTH_HEADER: "999999999999"}),
        (good, {JSON_LENGTH_HEADER: "-5"}),
        (good, {JSON_LENGTH_HEADER: "ten"}),
    ):
        assert served.client.post(path, content=body, headers=headers).status_code in (400, 500)
    assert served.over_http(served.good())[0]
