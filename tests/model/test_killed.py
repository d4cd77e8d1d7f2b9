import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model.checkpoint import Checkpoints
from model.deep.train import train_deep
from model.distilled.distill import distill
from model.labels.training_table import read_training_table, write_training_table
from model.store.store import open_store
from tests.model import killed
from tests.model.taught import make_taught


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph, a training table, and a deep model to distil."""
    folder = tmp_path_factory.mktemp("killed")
    taught = make_taught(folder)
    write_training_table(taught.table, folder / "table", parents={}, settings={})
    return folder


@pytest.mark.parametrize(
    ("kind", "kill_at", "stop_after"),
    [("deep", 255, 640), ("distilled", 700, 980)],
)
def test_a_killed_training_goes_on_to_the_same_weights(folder: Path, kind: str, kill_at: int, stop_after: int) -> None:
    deep = [str(folder / "deep")] if kind == "distilled" else []
    path = folder / f"{kind}_killed"
    command = [
        sys.executable,
        "-m",
        "tests.model.killed",
        kind,
        str(folder / "graph"),
        str(folder / "table"),
        str(path),
    ]
    with subprocess.Popen(
        [*command, str(stop_after), *deep], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as training:  # fmt: skip
        assert training.stdout is not None
        for line in training.stdout:
            # It goes on while the signal is under way: the kill falls anywhere, also into the writing of a file.
            if int(line.split()[1]) >= kill_at:
                os.kill(training.pid, signal.SIGKILL)
                break
    assert training.returncode == -signal.SIGKILL
    assert not path.exists()
    said: list[str] = []
    store, table = open_store(folder / "graph"), read_training_table(folder / "table")
    again = Checkpoints(every_seconds=1e9, say=said.append)
    steps: list[int] = []

    def tell(done: int, total: int) -> None:
        steps.append(done)

    if kind == "deep":
        train_deep(store, table, "binary", path, killed.DEEP, tell, checkpoints=again)
    else:
        distill(store, table, folder / "deep", path, killed.DISTILLED, tell, checkpoints=again)
    assert all(re.fullmatch(r"going on from `.*\.checkpoint`", words) for words in said)
    assert len(said) == (1 if kind == "deep" else 2)
    assert min(steps) >= kill_at
    whole = folder / f"{kind}_whole"
    killed.train(kind, folder / "graph", folder / "table", whole, deep=folder / "deep")
    weights = "weights.safetensors"
    assert (path / weights).read_bytes() == (whole / weights).read_bytes()
    assert not list(folder.glob("*.checkpoint"))
