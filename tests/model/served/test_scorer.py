from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from model.distilled.network import DistilledModel, NetworkSettings
from model.served.inputs import Inputs
from model.served.scorer import Scorer, read_safetensors
from tests.model.distilled_inputs import SHAPE, random_inputs


def build(num_layers: int, folder: Path, output: tuple[int, ...] = ()) -> tuple[DistilledModel, Scorer]:
    torch.set_num_threads(1)
    torch.manual_seed(num_layers)
    network = NetworkSettings(num_layers=num_layers)
    model = DistilledModel(SHAPE, network, output).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    save_file(model.state_dict(), folder / "weights.safetensors")
    scorer = Scorer(
        read_safetensors(folder / "weights.safetensors"),
        num_layers=num_layers,
        num_heads=network.num_heads,
        entity=SHAPE.entity.vocabulary,
        histories=[history.vocabulary for history in SHAPE.histories],
    )
    return model, scorer


@pytest.fixture(scope="module", params=[1, 2, 3])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[DistilledModel, Scorer]:
    return build(request.param, tmp_path_factory.mktemp("weights"))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), num_requests=st.integers(0, 9), max_rows=st.sampled_from([0, 1, 5, 32]))
def test_equals_the_torch_model(
    pair: tuple[DistilledModel, Scorer], seed: int, num_requests: int, max_rows: int
) -> None:
    model, scorer = pair
    inputs = random_inputs(seed, num_requests, max_rows)
    with torch.inference_mode():
        expected = torch.sigmoid(model(inputs)).numpy()
    actual = 1 / (1 + np.exp(-scorer(inputs)))
    assert actual.shape == (num_requests, 1)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual[:, 0], expected, atol=1e-5, rtol=0)


def test_several_outputs_equal_the_torch_model(tmp_path: Path) -> None:
    model, scorer = build(2, tmp_path, (5,))
    for num_requests in (0, 7):
        inputs = random_inputs(1, num_requests, 9)
        with torch.inference_mode():
            expected = model(inputs).numpy()
        assert expected.shape == (num_requests, 5)
        np.testing.assert_allclose(scorer(inputs), expected, atol=1e-4)


def test_a_request_scores_the_same_alone_and_in_a_batch(pair: tuple[DistilledModel, Scorer]) -> None:
    _, scorer = pair
    together = random_inputs(3, 40, 32)
    batched = scorer(together)
    for place in range(40):
        np.testing.assert_allclose(scorer(_only(together, place)), batched[[place]], atol=1e-5)


def _only(inputs: Inputs, place: int) -> Inputs:
    pick = slice(place, place + 1)
    return replace(
        inputs,
        facts_BF=inputs.facts_BF[pick],
        codes_BC=inputs.codes_BC[pick],
        embedding_BE=inputs.embedding_BE[pick],
        embedding_age_days_B=inputs.embedding_age_days_B[pick],
        histories=tuple(
            replace(
                rows,
                dense_RF=rows.dense_RF[rows.owner_R == place],
                codes_RC=rows.codes_RC[rows.owner_R == place],
                age_days_R=rows.age_days_R[rows.owner_R == place],
                owner_R=np.zeros((rows.owner_R == place).sum(), np.int64),
            )
            for rows in inputs.histories
        ),
    )
