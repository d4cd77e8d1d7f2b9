"""The probe against a real Triton: it tells a model that serves from one whose process is gone or that hangs."""

import ast
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from infra.kserve import probe
from tests.model.served_model import NAME, make_served_model
from tests.triton_server import TritonServer, triton_server


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    server: TritonServer
    repository: Path

    @property
    def address(self) -> str:
        return self.server.url.removeprefix("http://")

    def asked(self, question: str) -> bool:
        return probe.check(question, self.address, str(self.repository))

    def stub(self) -> psutil.Process:
        """The process that runs the model."""
        children = psutil.Process(self.server.process.pid).children(recursive=True)
        return next(child for child in children if probe.STUB in " ".join(child.cmdline()))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_served_model(tmp_path_factory.mktemp("probed")).repository


@contextmanager
def _serving(repository: Path, folder: Path) -> Iterator[Served]:
    own = folder / "models"
    shutil.copytree(repository, own)
    with triton_server(own, NAME, folder) as server:
        yield Served(server=server, repository=own)


@pytest.fixture(scope="module")
def with_a_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model in Triton's Python backend, which runs it in a process of its own."""
    return make_served_model(tmp_path_factory.mktemp("python"), engine="numpy").repository


@pytest.fixture(scope="module", params=["repository", "with_a_process"])
def healthy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Only asked; nobody breaks it."""
    with _serving(request.getfixturevalue(request.param), tmp_path_factory.mktemp("healthy")) as served:
        yield served


@pytest.fixture
def served(with_a_process: Path, tmp_path: Path) -> Iterator[Served]:
    """To be broken."""
    with _serving(with_a_process, tmp_path) as served:
        yield served


def _eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_a_serving_model_is_alive_and_answers(healthy: Served) -> None:
    assert healthy.asked("alive")
    assert healthy.asked("answers")
    assert healthy.server.metric("nv_inference_request_success") >= 1


def test_it_asks_for_an_entity_that_has_an_embedding(healthy: Served) -> None:
    before = healthy.server.metric("stillhouse_embedding_missing_total")
    assert healthy.asked("answers")
    assert healthy.server.metric("stillhouse_embedding_missing_total") == before


def test_its_predictions_are_not_counted_as_scores(healthy: Served) -> None:
    """Both arms of a release are asked alike, however little real traffic one of them has."""

    def scores() -> float:
        return healthy.server.metric("stillhouse_score_bucket", 'le="+Inf"')

    before = scores()
    assert healthy.asked("answers")
    real = json.loads(probe.body(healthy.repository / NAME, time.time_ns())) | {"id": "a caller's"}
    sent = json.dumps(real).encode()
    assert probe.status(healthy.address, "POST", f"/v2/models/{NAME}/infer", timeout_s=5, sent=sent) == 200
    assert _eventually(lambda: scores() > before)
    assert scores() == before + 1


def test_a_dead_process_is_noticed_where_triton_says_ready(served: Served) -> None:
    stub = served.stub()
    stub.kill()
    assert _eventually(lambda: not stub.is_running() or stub.status() == psutil.STATUS_ZOMBIE)
    model = probe.models(str(served.repository))[0]
    assert probe.is_ready(served.address, model), "Triton notices by itself: the probe may ask less"
    assert not served.asked("alive")
    assert not served.asked("answers")


def test_a_hanging_process_does_not_answer(served: Served) -> None:
    stub = served.stub()
    os.kill(stub.pid, signal.SIGSTOP)
    try:
        assert _eventually(lambda: stub.status() == psutil.STATUS_STOPPED)
        assert served.asked("alive")
        assert not served.asked("answers")
    finally:
        os.kill(stub.pid, signal.SIGCONT)


def test_nobody_listening_is_neither(served: Served) -> None:
    served.server.process.terminate()
    served.server.process.wait(timeout=30)
    assert not served.asked("alive")
    assert not served.asked("answers")


def test_an_empty_repository_is_neither(tmp_path: Path) -> None:
    assert not probe.check("alive", "127.0.0.1:1", str(tmp_path))
    assert not probe.check("answers", "127.0.0.1:1", str(tmp_path))


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        (np.array([-5, 3, 9], np.int64), -5),
        (np.array([b"abc", b"zebra"]), "abc"),
        (np.array(["é".encode()]), "é"),
        (np.array([], np.int64), None),
    ],
)
def test_first_key_is_numpys(tmp_path: Path, keys: npt.NDArray[Any], first: str | int | None) -> None:
    folder = tmp_path / "1" / "embeddings"
    folder.mkdir(parents=True)
    np.save(folder / "keys.npy", keys)
    assert probe.first_key(tmp_path) == first


def test_the_request_is_the_contracts(repository: Path) -> None:
    model = probe.models(str(repository))[0]
    contract = json.loads((model / "1" / "contract.json").read_text())
    tensors = {tensor["name"]: tensor for tensor in json.loads(probe.body(model, 17))["inputs"]}
    assert list(tensors) == [spec["name"] for spec in contract["inputs"]]
    assert tensors["anchor_time"]["data"] == [17]
    assert all(tensor["shape"] in ([1, 1], [1, 0, 1]) for tensor in tensors.values())


def test_it_needs_only_the_standard_library() -> None:
    tree = ast.parse(Path(probe.__file__).read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    imported = {name.split(".")[0] for name in names}
    assert "http" in imported
    assert imported <= sys.stdlib_module_names
