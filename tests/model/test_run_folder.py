"""Where the artifacts of a run lie."""

from pathlib import Path

from model.run_folder import RunFolder


def test_every_artifact_has_its_own_folder_below_the_root() -> None:
    run = RunFolder(Path("runs/x"))
    places = [
        run.tables, run.graph, run.training_table, run.deep, run.embeddings(), run.embeddings("second"),
        run.distilled(), run.distilled("ablation"), run.repository("v1"), run.repository("v2"), run.releases, run.twin,
        run.ranking, run.predictions,
    ]  # fmt: skip
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(run.root) for place in places)
