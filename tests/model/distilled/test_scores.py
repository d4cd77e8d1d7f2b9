from pathlib import Path

import numpy as np
import pytest

from model.distilled.distill import DistillSettings, distill
from model.distilled.lesson import teach
from model.distilled.loop import LoopSettings
from model.distilled.scores import lesson_inputs, load_distilled, score_table
from model.errors import UserError
from tests.model.taught import STUDENT, Taught, make_taught

SETTINGS = DistillSettings(network=STUDENT, loop=LoopSettings(epochs=1), max_train_rows=64, max_validation_rows=16)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("taught"))


def test_scores_are_probabilities_of_the_loaded_model(taught: Taught, tmp_path: Path) -> None:
    distill(taught.store, taught.table, taught.deep_path, tmp_path / "d", SETTINGS)
    distilled = load_distilled(tmp_path / "d")
    assert distilled.requests == SETTINGS.requests
    assert (distilled.task, distilled.use_embedding) == ("binary", True)
    test = taught.table.rows("test")
    lesson = teach(taught.store, taught.table, taught.deep, test, distilled.requests, seed=9)
    scores = score_table(taught.store, taught.table, distilled, lesson)
    inputs = lesson_inputs(
        taught.store, taught.table, lesson, distilled.features, distilled.requests, use_embedding=True
    )
    np.testing.assert_allclose(scores, distilled.model(inputs).sigmoid().detach().numpy(), atol=1e-6)
    nobody = lesson.pick(np.zeros(len(test), bool))
    assert score_table(taught.store, taught.table, distilled, nobody).shape == (0,)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no distilled artifact"):
        load_distilled(tmp_path / "nowhere")
