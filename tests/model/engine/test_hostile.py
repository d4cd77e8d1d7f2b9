"""The sanitized engine lives through hostile requests and spoiled files, and answers the good request beside them."""

import ctypes
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from model.contract import MISSING_INT64, Datatype
from model.served.embedding_table import RefusedTableError
from tests.model.engine.fuzz import MUTATIONS
from tests.model.engine.generated import (
    CUTOFF_NS,
    NOW_NS,
    GeneratedModel,
    generate_embeddings,
    generate_model,
    host_tensors,
)
from tests.model.engine.host import EngineHost, RefusedModelError, hosted_library, num_live


def sanitized() -> Path:
    return hosted_library(sanitized=True)


@pytest.mark.parametrize("seed", [1, 5])
def test_hostile_requests_and_files_do_not_end_the_process(tmp_path: Path, seed: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.model.engine.fuzz", str(tmp_path), str(seed), "50"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    done = json.loads(ran.stdout)
    assert done["live"] == 0  # all memory, errors and metrics were given back
    for mutation in MUTATIONS:
        assert done[mutation.__name__.strip("_")] > 20
    assert done["refused"] > 150
    assert done["scored"] > 150
    assert 50 < done["spoiled"] < 100
    assert done["INT64 keys"] > 0 < done["BYTES keys"]


def test_guarded_memory_ends_a_process_that_reads_one_byte_too_many() -> None:
    """What the test above relies on."""
    peek = f"import ctypes; ctypes.CDLL({str(sanitized())!r}).host_peek(*map(ctypes.c_size_t, (100, {{}})))"
    for place, survives in ((99, True), (100, False)):
        words = peek.format(place)
        assert (subprocess.run([sys.executable, "-c", words], check=False).returncode == 0) is survives


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_times_at_the_ends_of_int64_are_late_or_early_and_never_the_opposite(
    tmp_path: Path, task: Literal["binary", "regression"]
) -> None:
    model = _model_with_histories(tmp_path, task)
    times = [MISSING_INT64 + 1, -(2**62), -1, 0, 2**62, 2**63 - 1]
    requests = []
    for anchor_ns in times:
        one = model.requests(np.random.default_rng(5), 1, most_items=1)[0]
        one["anchor_time"] = np.array([[anchor_ns]], np.int64)
        for history in model.contract.interactions:
            for spec in model.contract.interaction_columns(history.path):
                column = one[spec.name] if one[spec.name].size else _null(spec.datatype)
                one[spec.name] = np.resize(column, (1, len(times), 1))
            one[history.time_tensor] = np.array(times, np.int64).reshape(1, -1, 1)
        requests.append(one)
    with EngineHost(sanitized(), tmp_path) as host:
        answers = host.execute([host_tensors(model.contract, one) for one in requests])
    assert [answer.code for answer in answers] == [0] * len(times)
    by_numpy_B, by_torch_B, time_B = model.expected(requests)
    scores = np.concatenate([answer.score_B for answer in answers])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, by_numpy_B, atol=1e-5)
    np.testing.assert_allclose(scores, by_torch_B, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate([answer.time_B for answer in answers]), time_B)


def test_embeddings_with_keys_of_another_type_are_refused(tmp_path: Path) -> None:
    model = _model_with_histories(tmp_path, "binary")
    has_text = isinstance(model.keys[0], bytes)
    folder = tmp_path / "1" / "embeddings"
    generate_embeddings(folder, np.random.default_rng(1), model.contract.embedding_dim, has_text=not has_text)
    expected = "its keys are not texts" if has_text else "its keys are not int64"
    with pytest.raises(RefusedModelError, match=expected):
        EngineHost(sanitized(), tmp_path)
    with pytest.raises(RefusedTableError, match=expected):
        model.predictor.open_embeddings(folder)


@pytest.mark.parametrize("size", [0, 4096, 5 << 20])
def test_a_file_that_is_cut_while_it_is_read_is_noticed(tmp_path: Path, size: int) -> None:
    (tmp_path / "vectors.npy").write_bytes(bytes(5 << 20))
    arguments = str(tmp_path).encode(), b"vectors.npy", ctypes.c_int64(size)
    is_there = ctypes.CDLL(str(sanitized())).host_bring_in_cut
    is_there.restype = ctypes.c_bool
    assert is_there(*arguments) is (size == 5 << 20)


def test_embeddings_are_exchanged_while_requests_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _model_with_histories(tmp_path / "model", "binary")
    live = tmp_path / "live"
    monkeypatch.setenv("STILLHOUSE_EMBEDDINGS", str(live))
    cutoffs = [CUTOFF_NS + number for number in range(1, 6)]
    for cutoff_ns in cutoffs:
        shutil.copytree(model.repository / "1" / "embeddings", live / str(cutoff_ns))
        facts = json.loads((live / str(cutoff_ns) / "embeddings.json").read_text())
        (live / str(cutoff_ns) / "embeddings.json").write_text(json.dumps(facts | {"cutoff_ns": cutoff_ns}))
    request = model.requests(np.random.default_rng(1), 1, most_items=1)[0]
    request["anchor_time"] = np.array([[NOW_NS]])
    known = np.array([[model.keys[0]]], object if isinstance(model.keys[0], bytes) else np.int64)
    tensors = host_tensors(model.contract, request | {model.contract.embedding_key: known})
    before = num_live(sanitized())
    with EngineHost(sanitized(), model.repository) as host:
        assert host.execute([tensors])[0].time_B.tolist() == [CUTOFF_NS]
        seen = CUTOFF_NS
        for cutoff_ns in cutoffs:
            (live / "next").symlink_to(live / str(cutoff_ns))
            (live / "next").replace(live / "current")
            deadline = time.monotonic() + 20
            while seen != cutoff_ns:
                assert time.monotonic() < deadline
                [used_ns] = host.execute([tensors])[0].time_B.tolist()
                assert used_ns in (seen, cutoff_ns)
                seen = used_ns
    assert num_live(sanitized()) == before


def _model_with_histories(folder: Path, task: Literal["binary", "regression"]) -> GeneratedModel:
    """The first that has two histories or more."""
    for seed in range(100):
        model = generate_model(folder, seed, task)
        if len(model.contract.interactions) > 1:
            return model
        shutil.rmtree(folder / "1")
    raise AssertionError("no seed gave histories")


def _null(datatype: Datatype) -> npt.NDArray[Any]:
    null: Any = {"INT64": MISSING_INT64, "FP32": np.float32(np.nan), "BYTES": b""}[datatype.value]
    return np.full(1, null, object if datatype is Datatype.BYTES else None)
