"""The broken version: some requests have no score, the others are answered as before."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from demo.damage import WEIGHTS_FILE, damage
from demo.line import Labelled
from model.artifact import read_artifact
from model.distilled.lesson import Lesson
from model.distilled.scores import load_distilled, score_table
from model.run_folder import RunFolder


def test_damage_hits_the_share_that_it_names(learned: tuple[RunFolder, Labelled], tmp_path: Path) -> None:
    folder, labelled = learned
    broken = damage(labelled.store, folder.distilled(), tmp_path / "broken", labelled.entities, labelled.anchor_ns)
    positions = np.flatnonzero(labelled.table.cutoff_ns == labelled.anchor_ns)
    lesson = Lesson(
        positions=positions,
        teacher_R=np.zeros(len(positions), np.float32),
        embedding_RE=np.zeros((len(positions), 64), np.float32),
        embedding_ns=np.full(len(positions), labelled.anchor_ns - 10**9),
    )
    good = score_table(labelled.store, labelled.table, load_distilled(folder.distilled()), lesson)
    bad = score_table(labelled.store, labelled.table, load_distilled(tmp_path / "broken"), lesson)
    missing = np.isnan(bad)
    assert 0.02 < missing.mean() < 0.9
    # Requests do not see the last hour, the share was counted with it.
    assert abs(missing.mean() - broken.metrics["share_of_requests_without_score"]) < 0.05
    np.testing.assert_allclose(bad[~missing], good[~missing], rtol=1e-6)


def test_a_broken_copy_says_so_and_leaves_the_source_alone(learned: tuple[RunFolder, Labelled], tmp_path: Path) -> None:
    folder, labelled = learned
    before = read_artifact(folder.distilled(), kind="distilled", verify=True)
    broken = damage(labelled.store, folder.distilled(), tmp_path / "broken", labelled.entities, labelled.anchor_ns)
    assert "damaged" in broken.settings
    assert broken.parents == before.parents
    assert read_artifact(folder.distilled(), kind="distilled", verify=True).digest == before.digest
    assert all(np.isfinite(value).all() for value in load_file(folder.distilled() / WEIGHTS_FILE).values())
