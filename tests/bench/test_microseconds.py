"""Differences between configurations."""

import pytest

from bench.gateway import GatewayShape
from bench.microseconds import ENGINE_PARTS, barer_gateways, parts


def spent(generator: float, server: float, envoy: float = 0.0) -> dict[str, float]:
    return {"generator": generator, "server": server, "envoy": envoy, **dict.fromkeys(ENGINE_PARTS, 5.0)}


def test_each_part_is_what_it_adds() -> None:
    found = parts(
        {
            "endpoint": spent(110, 260, 130),
            "limit": spent(110, 200, 130),
            "no_tls": spent(80, 260, 100),
            "no_token": spent(80, 260, 90),
            "no_body_check": spent(80, 260, 70),
            "no_log": spent(80, 260, 65),
            "bare": spent(80, 260, 62),
            "empty_direct": spent(70, 190),
            "empty_binary": spent(70, 150),
            "unknown_model": spent(70, 60),
        }
    )
    expected = {
        "generator": 80,
        "generator_tls": 30,
        "http": 60,
        "json": 40,
        "queue_and_answer": 90,
        "model_in_all": 60,
    }
    gateway = {"tls": 30, "token": 10, "body_check": 20, "access_log": 5, "limits": 3, "routing": 62}
    assert found == pytest.approx(expected | gateway | {f"model_{part}": 5 for part in ENGINE_PARTS})
    assert sum(found[part] for part in gateway) == pytest.approx(130)  # nothing of the gateway is left out


def test_each_gateway_lacks_one_part_more() -> None:
    shapes = barer_gateways()
    assert shapes["no_tls"] == GatewayShape(tls=False)
    assert shapes["bare"] == GatewayShape(tls=False, token=False, body_check=False, access_log=False, limits=False)
