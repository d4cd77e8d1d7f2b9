"""Every transport carries the same values, and a closed loop counts what it was answered."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest

from bench.closed_loop import Loop, grpc_loop, http_loop
from bench.material import MODEL_NAME, Material
from bench.report import Report
from bench.servers import Triton, triton
from bench.step import Aim
from bench.table import table
from bench.transports import ENTITIES, TRANSPORTS, Round, binary_bodies, payloads, transport_of
from model.payload import Tensor
from serving.client_grpc import INFER
from serving.client_wire import InferResponse, grpc_message, json_content, read_grpc, read_json

CALLERS = 3


def test_all_transports_give_the_models_scores(material: Material, tmp_path: Path) -> None:
    with triton(material.repository, tmp_path) as server:
        for entities in ENTITIES:
            requests = payloads(material, entities)
            stride = len(material.values) // len(requests)
            places = [(stride * 3 + place) % len(material.values) for place in range(entities)]
            wanted = material.scores[places].tolist()
            bodies, headers = binary_bodies(requests)
            found = (
                over_http(server, json_content(requests[3])[0], {}),
                over_http(server, bodies[3], dict(headers)),
                over_grpc(server, requests[3]),
            )
            assert all(scores == pytest.approx(wanted, abs=1e-5) for scores in found)
        count_answers(server, material)


def count_answers(server: Triton, material: Material) -> None:
    requests = payloads(material, 1)
    aim = Aim(
        url=f"http://127.0.0.1:{server.ports.http}", token="-", ca=None, model_name=MODEL_NAME, bodies=material.bodies,
        connections=CALLERS,
    )  # fmt: skip
    good = http_loop(aim, CALLERS, 0, least=20)
    assert len(good.latency_ms) >= 20
    assert good.asked >= len(good.latency_ms)
    assert good.failed == 0
    spoiled = replace(aim, bodies=(b"{}",))
    bad = http_loop(spoiled, CALLERS, 0, least=20)
    assert bad.failed == len(bad.latency_ms) > 0
    messages = [grpc_message(MODEL_NAME, tensors).SerializeToString() for tensors in requests]
    assert grpc_loop(f"127.0.0.1:{server.ports.grpc}", messages, CALLERS, 0, least=20).failed == 0
    wrong = grpc_loop(f"127.0.0.1:{server.ports.grpc}", [b""], CALLERS, 0, least=20)
    assert wrong.failed == len(wrong.latency_ms) > 0


def over_http(server: Triton, body: bytes, headers: dict[str, str]) -> list[float]:
    url = f"http://127.0.0.1:{server.ports.http}/v2/models/{MODEL_NAME}/infer"
    answer = httpx.post(url, content=body, headers=headers, trust_env=False)
    return [prediction.score for prediction in read_json(answer.json(), answer.headers)]


def over_grpc(server: Triton, tensors: Sequence[Tensor]) -> list[float]:
    with grpc.insecure_channel(f"127.0.0.1:{server.ports.grpc}") as channel:
        call = channel.unary_unary(INFER, None, InferResponse.FromString)
        return [
            prediction.score
            for prediction in read_grpc(call(grpc_message(MODEL_NAME, tensors).SerializeToString()), {})
        ]


def rounds(*rates: float, failed: int = 0) -> list[Round]:
    loops = [
        Loop(seconds=1.0, latency_ms=np.full(round(rate), 2.0), failed=failed, asked=round(rate)) for rate in rates
    ]
    return [Round(loop=loop, generator_us=50, gateway_us=100, triton_us=200) for loop in loops]


def test_the_rate_is_the_median_and_entities_multiply_it() -> None:
    found = transport_of(rounds(100, 300, 200, failed=1), 8)
    assert (found.rate, found.entities_per_second) == (200, 1600)
    assert (found.requests, found.failed) == (600, 3)
    assert found.p99_ms == 2.0


def test_too_few_requests_have_no_p99() -> None:
    assert transport_of(rounds(100), 1).p99_ms is None


def test_the_report_and_its_table_name_all_of_them() -> None:
    one = transport_of(rounds(400), 8)
    report = Report(
        machine="m", bound_ms=10, transports={name: {str(count): one for count in ENTITIES} for name in TRANSPORTS}
    )
    assert report.model_dump()["transports"]["binary"]["64"]["entities_per_second"] == 3200
    assert "| grpc, 64" in table(report)
