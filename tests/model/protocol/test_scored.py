"""Kept scores: read back as they were, and not taken for those of other inputs."""

from pathlib import Path

import numpy as np
import pytest

from model.errors import UserError
from model.protocol.scored import Scored, read_scored, write_scored


def test_scores_come_back_under_their_key_alone(tmp_path: Path) -> None:
    scored = Scored(scores={"rolling": np.array([0.1, 0.9]), "frozen": np.array([0.2, 0.8])}, facts={"a": {"b": 1}})
    assert read_scored(tmp_path / "deep-0", "key") is None
    write_scored(scored, tmp_path / "deep-0", "key")
    found = read_scored(tmp_path / "deep-0", "key")
    assert found is not None
    assert found.facts == scored.facts
    assert {name: values.tolist() for name, values in found.scores.items()} == {
        "rolling": [0.1, 0.9],
        "frozen": [0.2, 0.8],
    }
    assert read_scored(tmp_path / "deep-0", "another") is None


def test_changed_files_are_refused(tmp_path: Path) -> None:
    write_scored(Scored(scores={"rolling": np.array([0.5])}), tmp_path / "x", "key")
    path = tmp_path / "x" / "scores.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UserError, match="have changed since"):
        read_scored(tmp_path / "x", "key")
