"""A ranking whose training is killed goes on to the weights of one that nobody disturbed, byte by byte."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from model.checkpoint import Checkpoints
from model.labels.training_table import write_training_table
from model.ranking.train import train_ranking
from tests.model import killed
from tests.model.ranking.habits import make_habits

KILL_AT, STOP_AFTER = 8, 20


def test_a_killed_ranking_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    habits = make_habits(tmp_path)
    write_training_table(habits.table, tmp_path / "table", parents={}, settings={})
    path, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "tests.model.killed", "ranking", str(tmp_path / "graph"), str(tmp_path / "table")]
    with subprocess.Popen(
        [*command, str(path), str(STOP_AFTER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as training:
        assert training.stdout is not None
        for line in training.stdout:
            if int(line.split()[1]) >= KILL_AT:
                os.kill(training.pid, signal.SIGKILL)
                break
    assert training.returncode == -signal.SIGKILL
    assert not path.exists()
    said: list[str] = []
    steps: list[int] = []
    train_ranking(
        habits.store, habits.table, habits.what, path, killed.RANKING, lambda done, total: steps.append(done),
        checkpoints=Checkpoints(every_seconds=1e9, say=said.append),
    )  # fmt: skip
    assert [words.split(" `")[0] for words in said] == ["going on from"]
    assert min(steps) >= KILL_AT
    killed.train("ranking", tmp_path / "graph", tmp_path / "table", whole)
    files = sorted(file.name for file in whole.glob("*.safetensors"))
    assert files
    assert all((path / name).read_bytes() == (whole / name).read_bytes() for name in files)
    assert not list(tmp_path.glob("*.checkpoint"))
