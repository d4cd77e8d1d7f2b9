import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from model.metrics import (
    Interval,
    accuracy,
    auroc,
    bootstrap,
    bootstrap_difference,
    brier,
    calibration_bins,
    calibration_error,
    class_log_loss,
    log_loss,
    macro_auroc,
    mae,
)

RNG = np.random.default_rng(3)
SCORE = RNG.random(500).round(2)
LABEL = (RNG.random(500) < SCORE).astype(np.float32)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auroc_equals_the_count_of_pairs(rows: list[tuple[bool, int]]) -> None:
    label = np.array([one for one, _ in rows], dtype=np.float32)
    score = np.array([score for _, score in rows], dtype=np.float32)
    wins = [(p > n) + 0.5 * (p == n) for p in score[label == 1] for n in score[label == 0]]
    expected = np.mean(wins) if wins else np.nan
    np.testing.assert_allclose(auroc(label, score), expected)


def test_metrics_equal_sklearn() -> None:
    assert float(auroc(LABEL, SCORE)) == pytest.approx(roc_auc_score(LABEL, SCORE))
    assert float(brier(LABEL, SCORE)) == pytest.approx(brier_score_loss(LABEL, SCORE))
    inside = SCORE.clip(1e-7, 1 - 1e-7)
    assert float(log_loss(LABEL, SCORE)) == pytest.approx(sklearn_log_loss(LABEL, inside))
    assert float(mae(np.array([1.0, 4.0]), np.array([2.0, 2.0]))) == 1.5


CHANCES = RNG.dirichlet(np.ones(4), 500)
CLASS = np.array([RNG.choice(4, p=p) for p in CHANCES])


def test_metrics_of_several_classes_equal_sklearn() -> None:
    assert float(accuracy(CLASS, CHANCES)) == pytest.approx(accuracy_score(CLASS, CHANCES.argmax(axis=1)))
    assert float(class_log_loss(CLASS, CHANCES)) == pytest.approx(sklearn_log_loss(CLASS, CHANCES))
    expected = roc_auc_score(CLASS, CHANCES, multi_class="ovr", average="macro")
    assert float(macro_auroc(CLASS, CHANCES)) == pytest.approx(expected)
    several = (RNG.random((500, 4)) < CHANCES).astype(np.float64)
    assert float(macro_auroc(several, CHANCES)) == pytest.approx(roc_auc_score(several, CHANCES, average="macro"))
    each = [float(log_loss(several[:, k], CHANCES[:, k])) for k in range(4)]
    assert float(log_loss(several, CHANCES)) == pytest.approx(np.mean(each))


def test_a_class_that_is_none_of_them_is_wrong_and_was_thought_unlikely() -> None:
    unknown = np.array([0, -1])
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert float(accuracy(unknown, sure)) == 0.5
    assert float(class_log_loss(unknown, sure)) == pytest.approx(-np.log(1e-7) / 2, rel=1e-3)
    # Of two classes, one that never occurs counts for nothing.
    assert float(macro_auroc(np.array([0, -1]), np.array([[0.9, 0.1], [0.2, 0.8]]))) == 1.0


def test_weights_count_rows_of_several_classes_repeatedly() -> None:
    counts = RNG.integers(0, 4, (3, 500)).astype(np.float64)
    for metric in (accuracy, class_log_loss, macro_auroc):
        together = metric(CLASS, CHANCES, counts)
        for row, one in zip(counts.astype(int), together, strict=True):
            assert float(one) == pytest.approx(float(metric(CLASS.repeat(row), CHANCES.repeat(row, axis=0))))


def test_weights_count_rows_repeatedly() -> None:
    counts = RNG.integers(0, 4, (3, 500)).astype(np.float64)
    for metric in (auroc, brier, log_loss, mae, calibration_error):
        together = metric(LABEL, SCORE, counts)
        for row, one in zip(counts.astype(int), together, strict=True):
            assert float(one) == pytest.approx(float(metric(LABEL.repeat(row), SCORE.repeat(row))))


def test_one_class_and_no_rows_are_not_a_number() -> None:
    assert np.isnan(auroc(np.ones(4), np.arange(4.0)))
    empty = np.zeros(0)
    for metric in (brier, log_loss, mae, calibration_error):
        assert np.isnan(metric(empty, empty))
    assert np.isnan(auroc(empty, empty))


def test_calibration() -> None:
    probability = np.array([0.25, 0.25, 0.25, 0.25, 1.0])
    label = np.array([1, 0, 0, 0, 1])
    assert float(calibration_error(label, probability, num_bins=10)) == 0
    assert float(calibration_error(1 - label, probability, num_bins=10)) == pytest.approx(0.6)
    low, high = calibration_bins(label, probability, num_bins=10)
    assert (low.count, low.mean_probability, low.share_positive) == (4, 0.25, 0.25)
    assert (high.count, high.mean_probability, high.share_positive) == (1, 1.0, 1.0)


def test_intervals_hold_the_value_and_repeat_with_the_seed() -> None:
    worse = SCORE + RNG.normal(0, 0.5, 500)
    one = bootstrap(auroc, LABEL, {"good": SCORE, "worse": worse}, num_resamples=200, seed=1)
    assert one == bootstrap(auroc, LABEL, {"good": SCORE, "worse": worse}, num_resamples=200, seed=1)
    for interval in one.values():
        assert interval.low < interval.value < interval.high
    assert one["good"].value == pytest.approx(roc_auc_score(LABEL, SCORE))
    difference = bootstrap_difference(auroc, LABEL, SCORE, worse, num_resamples=200, seed=1)
    assert difference.value == pytest.approx(one["good"].value - one["worse"].value)
    assert difference.low > 0


def test_differences_are_paired() -> None:
    nearly = SCORE + RNG.normal(0, 0.001, 500)
    alone = bootstrap(brier, LABEL, {"x": SCORE}, num_resamples=200)["x"]
    difference = bootstrap_difference(brier, LABEL, SCORE, nearly, num_resamples=200)
    assert difference.high - difference.low < 0.1 * (alone.high - alone.low)
    same = bootstrap_difference(auroc, LABEL, SCORE, SCORE, num_resamples=50)
    assert same == Interval(value=0.0, low=0.0, high=0.0)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bootstrap(mae, LABEL, {"x": SCORE}, num_resamples=20)
    monkeypatch.setattr("model.metrics._CHUNK_NUMBERS", 3 * 500)
    pieces = bootstrap(mae, LABEL, {"x": SCORE}, num_resamples=20)
    assert (pieces["x"].low, pieces["x"].high) == pytest.approx((whole["x"].low, whole["x"].high))


def test_intervals_of_nothing_are_not_a_number() -> None:
    interval = bootstrap(auroc, np.ones(5), {"x": np.arange(5.0)}, num_resamples=10)["x"]
    assert np.isnan([interval.value, interval.low, interval.high]).all()
    assert str(Interval(value=0.5, low=0.25, high=0.75)) == "0.5000 [0.2500, 0.7500]"
