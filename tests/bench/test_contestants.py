"""A real endpoint and its limit, behind the real gateway; nothing here depends on how fast they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.agreement import check_answers
from bench.contestants import Contestant, endpoint, limit, stand
from bench.material import NUM_BODIES, NUM_INTERACTIONS, Material
from bench.settings import BenchSettings
from bench.step import step_of
from model.errors import UserError


def test_the_bodies_are_those_of_the_benchmark(material: Material) -> None:
    assert len(set(material.bodies)) == NUM_BODIES
    assert 4_000 < min(map(len, material.bodies)) < 5_000
    assert 11_000 < max(map(len, material.bodies)) < 12_500
    lengths = {tensor["shape"][1] for body in material.bodies for tensor in _histories(body)}
    assert lengths == set(NUM_INTERACTIONS)
    assert material.scores.std() > 0.02
    assert json.loads((material.folder / "bodies" / "007.json").read_bytes()) == json.loads(material.bodies[7])


def _histories(body: bytes) -> list[dict[str, list[int]]]:
    return [tensor for tensor in json.loads(body)["inputs"] if len(tensor["shape"]) == 3]


@pytest.mark.parametrize("make", [endpoint, limit])
def test_load_reaches_it_through_tls_token_and_gateway(material: Material, make: object, tmp_path: Path) -> None:
    assert callable(make)
    contestant: Contestant = make(material)
    with stand(contestant, material, BenchSettings(folder=tmp_path)) as running:
        assert running.aim.url.startswith("https://")
        result = running.aim.run(50, 2)
        assert result.versions == ("v1",)
        assert (result.status == 200).all()
        step = step_of(result, 50)
        assert step.requests > 0
        assert step.refusal is not None  # far too few for a percentile
        if contestant.name == "endpoint":
            assert check_answers("endpoint", running.aim, material.scores) < 1e-5
            wrong = material.scores + np.float32(2e-4)
            with pytest.raises(UserError, match="endpoint differs from the model"):
                check_answers("endpoint", running.aim, wrong)
        assert running.server.processor_s() > 0
