"""Differences between configurations, and binary requests that the real model understands."""

from pathlib import Path

import httpx
import pytest

from bench.agreement import score_of
from bench.material import MODEL_NAME, Material
from bench.microseconds import ENGINE_PARTS, binary_bodies, parts
from bench.servers import triton


def spent(generator: float, server: float, envoy: float = 0.0) -> dict[str, float]:
    return {"generator": generator, "server": server, "envoy": envoy, **dict.fromkeys(ENGINE_PARTS, 5.0)}


def test_each_part_is_what_it_adds() -> None:
    found = parts(
        {
            "endpoint": spent(110, 260, 130),
            "limit": spent(110, 200, 130),
            "no_tls": spent(80, 260, 100),
            "no_token": spent(80, 260, 90),
            "empty_direct": spent(70, 190),
            "empty_binary": spent(70, 150),
            "unknown_model": spent(70, 60),
        }
    )
    expected = {"generator": 80, "generator_tls": 30, "tls": 30, "token": 10, "gateway": 90, "http": 60, "json": 40}
    assert found == pytest.approx(
        expected | {"queue_and_answer": 90, "model_in_all": 60} | {f"model_{part}": 5 for part in ENGINE_PARTS}
    )


def test_binary_requests_have_one_set_of_headers_and_the_same_answers(material: Material, tmp_path: Path) -> None:
    bodies, headers = binary_bodies(material)
    with triton(material.repository, tmp_path) as server, httpx.Client(trust_env=False) as client:
        url = f"http://127.0.0.1:{server.ports.http}/v2/models/{MODEL_NAME}/infer"
        scores = [score_of(client.post(url, content=body, headers=dict(headers)).json()) for body in bodies[:8]]
        assert scores == pytest.approx(material.scores[:8].tolist(), abs=1e-5)
        assert server.program.processor_s() > 0
