from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from model.artifact import read_artifact
from model.deep.embed import embed
from model.deep.sampler import history_sizes
from model.deep.train import entity_rows
from model.distilled.distill import DistillSettings, distill
from model.distilled.lesson import Lesson, choose_rows, teach
from model.distilled.loop import LoopSettings
from model.distilled.network import NetworkSettings
from model.distilled.scores import load_distilled, score_table
from model.errors import UserError
from model.export import export_repository
from model.metrics import auroc
from model.progress import silent
from model.served.predictor import Predictor
from tests.model.taught import STUDENT, Taught, make_taught

SETTINGS = DistillSettings(network=STUDENT, loop=LoopSettings(epochs=6, batch_rows=32, learning_rate=1e-2))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("taught"))


@pytest.fixture(scope="module")
def lesson(taught: Taught) -> Lesson:
    positions = choose_rows(taught.table, max_train_rows=10_000, max_validation_rows=10_000, seed=0)
    return teach(taught.store, taught.table, taught.deep, positions, SETTINGS.requests, 0)


@pytest.fixture(scope="module")
def distilled_path(taught: Taught, lesson: Lesson, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("distilled") / "distilled"
    distill(taught.store, taught.table, taught.deep_path, path, SETTINGS, table_digest="sha256:t", lesson=lesson)
    return path


def test_the_artifact_says_what_was_learned_from_whom(taught: Taught, distilled_path: Path) -> None:
    artifact = read_artifact(distilled_path, kind="distilled", verify=True)
    assert artifact.parents == {
        "deep": taught.deep.digest,
        "graph": taught.store.artifact.digest,
        "training_table": "sha256:t",
    }
    assert artifact.metrics["num_parameters"] <= artifact.metrics["teacher_parameters"] / 10
    assert len(artifact.metrics["epoch_losses"]) == 6
    assert artifact.settings["requests"]["max_embedding_offset_days"] == 14


def test_the_student_learned(taught: Taught, lesson: Lesson, distilled_path: Path) -> None:
    distilled = load_distilled(distilled_path)
    scores = score_table(taught.store, taught.table, distilled, lesson)
    is_train = taught.table.split[lesson.positions] == "train"
    labels = taught.table.label[lesson.positions]
    assert scores.dtype == np.float32
    assert float(auroc(labels[is_train], scores[is_train])) > 0.6
    validation = float(auroc(labels[~is_train], scores[~is_train]))
    assert distilled.artifact.metrics["validation_auroc"] == pytest.approx(validation)


def test_the_student_follows_its_teacher(taught: Taught, lesson: Lesson, tmp_path: Path) -> None:
    rows = entity_rows(taught.store, taught.table)[lesson.positions]
    upto_ns = taught.table.cutoff_ns[lesson.positions]
    counts = history_sizes(taught.store, "customers", rows, upto_ns)
    # The labels say the opposite, so whoever agrees with this teacher has listened to it.
    contrary = replace(lesson, teacher_R=(np.log1p(counts) - 2).astype(np.float32))
    loop = LoopSettings(epochs=8, batch_rows=32, learning_rate=1e-2, teacher_weight=10.0)
    fidelity = {}
    for use_teacher in (True, False):
        settings = replace(SETTINGS, loop=loop, use_teacher=use_teacher)
        path = tmp_path / str(use_teacher)
        artifact = distill(taught.store, taught.table, taught.deep_path, path, settings, lesson=contrary)
        fidelity[use_teacher] = artifact.metrics["fidelity_spearman"]
    assert fidelity[True] > 0.4, fidelity
    assert fidelity[False] < 0, fidelity


def test_the_same_seed_gives_the_same_weights(taught: Taught, lesson: Lesson, tmp_path: Path) -> None:
    settings = replace(SETTINGS, loop=LoopSettings(epochs=1, batch_rows=256))
    for name in ("first", "second"):
        torch.manual_seed(len(name))
        distill(taught.store, taught.table, taught.deep_path, tmp_path / name, settings, lesson=lesson)
    first, second = (tmp_path / name / "weights.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_without_embedding_the_embedding_changes_nothing(taught: Taught, lesson: Lesson, tmp_path: Path) -> None:
    settings = replace(SETTINGS, use_embedding=False, loop=LoopSettings(epochs=1, batch_rows=256))
    distill(taught.store, taught.table, taught.deep_path, tmp_path / "ablation", settings, lesson=lesson)
    ablation = load_distilled(tmp_path / "ablation")
    other = replace(lesson, embedding_RE=lesson.embedding_RE + 1)
    np.testing.assert_array_equal(
        score_table(taught.store, taught.table, ablation, other),
        score_table(taught.store, taught.table, ablation, lesson),
    )


def test_without_teacher_its_scores_change_nothing(taught: Taught, lesson: Lesson, tmp_path: Path) -> None:
    settings = replace(SETTINGS, use_teacher=False, loop=LoopSettings(epochs=1, batch_rows=256))
    for name, one in (("first", lesson), ("second", replace(lesson, teacher_R=-lesson.teacher_R))):
        distill(taught.store, taught.table, taught.deep_path, tmp_path / name, settings, lesson=one)
    first, second = (tmp_path / name / "weights.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_progress_grows_to_the_end_and_the_lesson_is_taken_by_itself(taught: Taught, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    settings = replace(SETTINGS, max_train_rows=100, max_validation_rows=50, loop=LoopSettings(epochs=1))
    artifact = distill(
        taught.store,
        taught.table,
        taught.deep_path,
        tmp_path / "d",
        settings,
        lambda done, total: seen.append((done, total)),
    )
    assert artifact.metrics["num_train_rows"] == 100
    assert seen == sorted(seen)
    assert seen[-1] == (1000, 1000)


def test_a_student_of_more_than_a_tenth_is_refused(taught: Taught, lesson: Lesson, tmp_path: Path) -> None:
    settings = replace(SETTINGS, network=NetworkSettings(width=128))
    with pytest.raises(UserError, match="a tenth of the deep model's"):
        distill(taught.store, taught.table, taught.deep_path, tmp_path / "d", settings, lesson=lesson)


def test_a_split_without_rows_is_refused(taught: Taught, tmp_path: Path) -> None:
    only_test = replace(taught.table, split=np.full(len(taught.table), "test"))
    with pytest.raises(UserError, match="no `train` rows"):
        distill(taught.store, only_test, taught.deep_path, tmp_path / "d", SETTINGS)


def test_regression_is_learned_in_the_unit_of_the_label(tmp_path: Path) -> None:
    taught = make_taught(tmp_path, "regression")
    artifact = distill(
        taught.store, taught.table, taught.deep_path, tmp_path / "distilled", replace(SETTINGS, use_teacher=False)
    )
    validation = taught.table.rows("validation")
    labels = taught.table.label[validation]
    lesson = teach(taught.store, taught.table, taught.deep, validation, SETTINGS.requests, 0)
    scores = score_table(taught.store, taught.table, load_distilled(artifact.path), lesson)
    assert spearmanr(scores, labels).statistic > 0.3
    assert 0.5 < scores.mean() / labels.mean() < 1.5
    squared_error = np.square(scores - labels).mean()
    assert squared_error < labels.var()
    assert artifact.metrics["validation_mae"] < 2 * labels.mean()


def test_the_artifacts_of_the_line_fit_together(taught: Taught, distilled_path: Path, tmp_path: Path) -> None:
    cutoff_ns = int(taught.table.cutoff_ns.max())
    embed(taught.store, taught.deep_path, cutoff_ns, tmp_path / "embeddings", silent)
    export_repository(
        distilled_path, tmp_path / "embeddings", tmp_path / "out", graph=taught.store.graph, model_name="churn"
    )
    version = tmp_path / "out" / "churn" / "1"
    predictor = Predictor.open(version)
    score_B, _ = predictor.predict(predictor.warm_up_requests(), predictor.open_embeddings(version / "embeddings"))
    assert ((score_B > 0) & (score_B < 1)).all()
