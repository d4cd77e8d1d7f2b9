from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.deep.network import num_parameters
from model.deep.scores import score_rows
from model.deep.train import entity_rows
from model.distilled.distill import DistillSettings, distill
from model.distilled.loop import LoopSettings
from model.distilled.scores import Distilled, load_distilled
from model.distilled.staleness import AGES_HOURS, MISSING, NO_INTERACTIONS, STRANGER, Staleness, measure
from model.errors import UserError
from model.metrics import auroc
from tests.model.taught import STUDENT, Taught, make_taught

SETTINGS = DistillSettings(network=STUDENT, loop=LoopSettings(epochs=4, batch_rows=32, learning_rate=1e-2))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("taught"))


@pytest.fixture(scope="module")
def distilled(taught: Taught, tmp_path_factory: pytest.TempPathFactory) -> Distilled:
    path = tmp_path_factory.mktemp("distilled") / "distilled"
    distill(taught.store, taught.table, taught.deep_path, path, SETTINGS)
    return load_distilled(path)


@pytest.fixture(scope="module")
def report(taught: Taught, distilled: Distilled) -> Staleness:
    return measure(taught.store, taught.table, taught.deep, distilled, taught.table.rows("test"))


def test_every_condition_is_asked(report: Staleness) -> None:
    assert set(report.conditions) == {*AGES_HOURS, MISSING, NO_INTERACTIONS, STRANGER}
    assert report.metric == "auroc"
    assert len({tuple(quality.values()) for quality in report.conditions.values()}) > 4
    for quality in report.conditions.values():
        assert 0 <= quality["auroc"] <= 1
        # Sane: not much worse than who says .5 to all, also to a stranger.
        assert quality["log_loss"] < 1
        assert quality["calibration_error"] < 0.5


def test_the_teacher_is_asked_at_the_anchor(taught: Taught, report: Staleness) -> None:
    test = taught.table.rows("test")
    rows = entity_rows(taught.store, taught.table)[test]
    logit, _ = score_rows(taught.store, taught.deep, rows, taught.table.cutoff_ns[test])
    assert report.teacher["auroc"] == pytest.approx(float(auroc(taught.table.label[test], logit)))
    assert report.teacher_parameters == num_parameters(taught.deep.model)
    assert report.parameters_ratio >= 10


def test_retention_counts_from_the_base(taught: Taught, distilled: Distilled, report: Staleness) -> None:
    assert report.base == 0.5
    student = report.conditions["12h"]["auroc"]
    assert report.retention == pytest.approx((student - 0.5) / (report.teacher["auroc"] - 0.5))
    test = taught.table.rows("test")
    other = measure(taught.store, taught.table, taught.deep, distilled, test, base=0.4)
    assert other.retention == pytest.approx((student - 0.4) / (report.teacher["auroc"] - 0.4))
    assert other.fidelity == report.fidelity


def test_without_interactions_the_history_is_not_read(report: Staleness) -> None:
    assert report.conditions[NO_INTERACTIONS] != report.conditions["12h"]
    assert report.conditions[STRANGER] != report.conditions[MISSING]


def test_a_history_can_be_left_out_of_the_requests(taught: Taught, tmp_path: Path) -> None:
    path = "customers.id->transactions.customer"
    none = replace(SETTINGS, requests=replace(SETTINGS.requests, real_time_interactions={path: 2}))
    distill(taught.store, taught.table, taught.deep_path, tmp_path / "two", none)
    assert load_distilled(tmp_path / "two").requests.most_rows(path) == 2
    wrong = replace(SETTINGS, requests=replace(SETTINGS.requests, real_time_interactions={"x->y": 2}))
    with pytest.raises(UserError, match="no history called `x->y`"):
        distill(taught.store, taught.table, taught.deep_path, tmp_path / "d", wrong)
    with pytest.raises(UserError, match="0 rows or more"):
        replace(SETTINGS.requests, real_time_interactions={path: -1})


def test_regression_reports_errors_in_the_unit_of_the_label(tmp_path: Path) -> None:
    taught = make_taught(tmp_path, "regression")
    distill(taught.store, taught.table, taught.deep_path, tmp_path / "distilled", SETTINGS)
    test = taught.table.rows("test")
    report = measure(taught.store, taught.table, taught.deep, load_distilled(tmp_path / "distilled"), test)
    assert report.metric == "mae"
    label, train = taught.table.label[test], taught.table.label[taught.table.rows("train")]
    assert report.base == pytest.approx(float(np.abs(label - np.median(train)).mean()), rel=1e-5)
    assert set(report.conditions[MISSING]) == {"mae", "nmae", "mean_error"}


def test_mistakes_are_named(taught: Taught, distilled: Distilled) -> None:
    with pytest.raises(UserError, match="no row"):
        measure(taught.store, taught.table, taught.deep, distilled, np.zeros(0, np.int64))
    other = replace(distilled, artifact=replace(distilled.artifact, parents={"deep": "another"}))
    with pytest.raises(UserError, match="not distilled from this"):
        measure(taught.store, taught.table, taught.deep, other, taught.table.rows("test"))
