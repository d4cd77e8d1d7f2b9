import numpy as np
import pytest
import torch

from model.distilled.network import DistilledModel, InputShape, NetworkSettings, TableShape
from model.distilled.rows import InputBatches
from tests.model.distilled_inputs import SHAPE, random_inputs


@pytest.fixture(scope="module")
def model() -> DistilledModel:
    torch.manual_seed(0)
    return DistilledModel(SHAPE, NetworkSettings()).eval()


@pytest.mark.parametrize("num_requests", [0, 1, 5])
@pytest.mark.parametrize("max_rows", [0, 32])
def test_any_batch_and_no_history_give_finite_logits(model: DistilledModel, num_requests: int, max_rows: int) -> None:
    logit_B = model(random_inputs(1, num_requests, max_rows))
    assert logit_B.shape == (num_requests,)
    assert logit_B.isfinite().all()


def test_a_request_scores_the_same_in_any_company(model: DistilledModel) -> None:
    inputs = random_inputs(2, 30, 32)
    together = model(inputs).detach()
    batches = InputBatches(inputs)
    alone = torch.cat([model(batches.take(np.array([place]))).detach() for place in range(30)])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)
    order = np.random.default_rng(0).permutation(30)
    torch.testing.assert_close(model(batches.take(order)).detach(), together[order], atol=1e-5, rtol=0)


def test_a_hidden_embedding_leaves_no_trace(model: DistilledModel) -> None:
    batches = InputBatches(random_inputs(3, 20, 8))
    hidden = np.ones(20, bool)
    first = model(batches.take(np.arange(20), hidden)).detach()
    batches.inputs.embedding_BE[:] = 1e6
    torch.testing.assert_close(model(batches.take(np.arange(20), hidden)).detach(), first)


def test_every_parameter_learns(model: DistilledModel) -> None:
    model(random_inputs(4, 50, 32)).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    model.zero_grad()


def test_a_realistic_shape_stays_below_a_tenth_of_the_deep_model() -> None:
    shape = InputShape(
        entity=TableShape(num_dense=30, vocabulary=(5, 4, 60)),
        histories=(TableShape(num_dense=2, vocabulary=(1001, 3)),),
        embedding_dim=64,
    )
    assert DistilledModel(shape, NetworkSettings()).num_parameters() <= 35_000
