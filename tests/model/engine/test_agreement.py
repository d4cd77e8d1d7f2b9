"""PyTorch, numpy and C give the same scores for every contract that a seed can make."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tests.model.engine.generated import generate_model, host_tensors
from tests.model.engine.host import EngineHost, hosted_library, num_live

BATCHES = (0, 1, 2, 7, 64)


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("seed", range(12))
def test_three_implementations_agree(tmp_path: Path, seed: int, task: Literal["binary", "regression"]) -> None:
    model = generate_model(tmp_path, seed, task)
    rng = np.random.default_rng(1000 + seed)
    library = hosted_library(sanitized=False)
    before = num_live(library)
    with EngineHost(library, tmp_path) as host:
        for num_requests in BATCHES:
            arrays = model.requests(rng, num_requests)
            answers = host.execute([host_tensors(model.contract, one) for one in arrays])
            assert [answer.message for answer in answers if answer.code] == []
            by_numpy_B, by_torch_B, time_B = model.expected(arrays)
            by_c_B = np.concatenate([np.zeros(0), *(answer.score_B for answer in answers)])
            np.testing.assert_allclose(by_numpy_B, by_torch_B, atol=1e-5, rtol=0)
            np.testing.assert_allclose(by_c_B, by_torch_B, atol=1e-5, rtol=0)
            times = np.concatenate([np.zeros(0, np.int64), *(answer.time_B for answer in answers)])
            np.testing.assert_array_equal(times, time_B)
    assert num_live(library) == before
