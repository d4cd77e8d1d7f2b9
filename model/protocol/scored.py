"""What one model with one seed says of the test rows, kept on the disk: a run that was killed goes on after the last.

A unit is known by a fingerprint of rows, tables, model and settings, so that nothing old passes for new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from model.artifact import MANIFEST, read_artifact, write_artifact
from model.labels.table_file import as_column, from_column
from model.protocol.protocol import Regime

Floats = npt.NDArray[np.float64]
_FILE = "scores.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """The scores of one unit."""

    scores: Mapping[Regime, Floats]
    """[test rows], or [test rows, K] by task: probabilities, values, or a ranking's average precision of each row."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else is worth telling, such as the settings that tuning chose."""


def read_scored(path: Path, key: str) -> Scored | None:
    """The unit at `path`; None where there is none, or one of other inputs."""
    if not (path / MANIFEST).exists():
        return None
    artifact = read_artifact(path, kind="protocol_scores", verify=True)
    if artifact.settings["key"] != key:
        return None
    table = pq.read_table(path / _FILE)
    scores = {name: from_column(table[name]).astype(np.float64) for name in table.column_names}
    return Scored(scores=scores, facts=dict(artifact.metrics))


def write_scored(scored: Scored, path: Path, key: str) -> None:
    """Write the unit in one step."""
    with write_artifact(path, kind="protocol_scores", settings={"key": key}) as draft:
        pq.write_table(
            pa.table({name: as_column(values) for name, values in scored.scores.items()}), draft.path / _FILE
        )
        draft.metrics.update(scored.facts)
