from dataclasses import replace

import numpy as np
import pytest
import torch

from model.distilled.loop import Examples, LoopSettings, predict, train
from model.distilled.network import DistilledModel, NetworkSettings
from model.distilled.rows import InputBatches
from model.errors import UserError
from model.progress import silent
from tests.model.distilled_inputs import SHAPE, random_inputs

NETWORK = NetworkSettings(width=16, num_heads=2, feedforward=16, dropout=0.0)
LOOP = LoopSettings(epochs=4, batch_rows=64, learning_rate=1e-2, teacher_weight=0.0)


def fresh() -> DistilledModel:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return DistilledModel(SHAPE, NETWORK)


def examples(seed: int, number: int) -> Examples:
    """Label: whether the request has more than three rows; the teacher says the opposite."""
    inputs = random_inputs(seed, number, 8)
    counts = np.bincount(inputs.histories[0].owner_R, minlength=number)
    label = (counts > 3).astype(np.float32)
    return Examples(inputs=inputs, target_R=label, teacher_R=4 - 8 * label)


def loss(model: DistilledModel, validation: Examples) -> float:
    logit_R = torch.from_numpy(predict(model, validation.inputs))
    return float(torch.nn.functional.binary_cross_entropy_with_logits(logit_R, torch.from_numpy(validation.target_R)))


def test_the_loop_learns_and_keeps_the_best_epoch() -> None:
    model, validation = fresh(), examples(1, 300)
    before = loss(model, validation)
    losses = train(model, examples(0, 600), validation, "binary", LOOP, silent)
    assert len(losses) == LOOP.epochs
    assert loss(model, validation) == pytest.approx(min(losses), abs=1e-6)
    assert min(losses) < 0.6 * before
    assert not model.training


def test_a_heavy_teacher_outweighs_the_labels() -> None:
    model, validation = fresh(), examples(1, 300)
    train(model, examples(0, 600), validation, "binary", replace(LOOP, teacher_weight=20.0), silent)
    logit_R = predict(model, validation.inputs)
    assert np.corrcoef(logit_R, validation.teacher_R)[0, 1] > 0.5


def test_regression_follows_values() -> None:
    model, validation = fresh(), examples(1, 300)
    train(model, examples(0, 600), validation, "regression", LOOP, silent)
    logit_R = predict(model, validation.inputs)
    assert np.corrcoef(logit_R, validation.target_R)[0, 1] > 0.5


def test_predictions_do_not_depend_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = fresh(), random_inputs(5, 50, 8)
    whole = predict(model, inputs)
    monkeypatch.setattr("model.distilled.loop._SCORE_BATCH", 7)
    np.testing.assert_allclose(predict(model, inputs), whole, atol=1e-5)
    assert predict(model, random_inputs(5, 0, 8)).shape == (0,)


def test_hidden_interactions_teach_what_to_say_without_them() -> None:
    """Without rows the best answer is the share of positives; who never saw a row hidden takes it for none."""
    learned, validation = examples(0, 600), examples(1, 300)
    hidden = InputBatches(validation.inputs).take(np.arange(300), hidden_histories_B=np.ones(300, np.bool_))
    said = {}
    for dropout in (0.0, 0.3):
        model = fresh()
        train(model, learned, validation, "binary", replace(LOOP, interaction_dropout=dropout), silent)
        said[dropout] = 1 / (1 + np.exp(-predict(model, hidden).astype(np.float64)))
    share = float(learned.target_R.mean())
    assert abs(said[0.3].mean() - share) < 0.1
    assert abs(said[0.0].mean() - share) > 0.3


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_rows": 0},
        {"embedding_dropout": 1.0},
        {"interaction_dropout": 1.0},
        {"learning_rate": 0.0},
        {"teacher_weight": -1.0},
    ],
)
def test_settings_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        LoopSettings(**wrong)  # type: ignore[arg-type]
