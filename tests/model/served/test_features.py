import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.served.features import (
    NUM_CALENDAR_FEATURES,
    NUM_TIME_FEATURES,
    CategoricalFeature,
    NumericalFeature,
    TableFeatures,
    TimestampFeature,
    calendar_features,
    encode_values,
    features_from_json,
    features_to_json,
    time_features,
)
from model.served.missing import MISSING_FP32, MISSING_INT64
from tests.model.small_shop import DAY_NS, at_day

FEATURES = TableFeatures(
    table="t",
    numericals=(NumericalFeature(column="x", mean=10.0, std=2.0),),
    timestamps=(TimestampFeature(column="when"),),
    categoricals=(CategoricalFeature(column="kind", values=("b", "7", "é", "0.5", "007")),),
)
ANCHORS = np.full(4, at_day(10), dtype=np.int64)


def test_numbers_are_standardised_clipped_and_flagged() -> None:
    dense = encode_values(FEATURES, {"x": np.array([12.0, 1e9, np.nan, np.inf])}, ANCHORS).dense_RF
    assert dense[:, :2].tolist() == [[1, 0], [6, 0], [0, 1], [0, 1]]
    dense = encode_values(FEATURES, {"x": np.array([6, MISSING_INT64, 10, -(10**9)])}, ANCHORS).dense_RF
    assert dense[:, :2].tolist() == [[-2, 0], [0, 1], [0, 0], [-6, 0]]
    dense = encode_values(FEATURES, {"x": np.array([MISSING_FP32] * 4, dtype=np.float32)}, ANCHORS).dense_RF
    assert dense[:, :2].tolist() == [[0, 1]] * 4


def test_timestamps_are_signed_log_days() -> None:
    times = np.array([at_day(10), at_day(9), at_day(11), MISSING_INT64])
    dense = encode_values(FEATURES, {"when": times}, ANCHORS).dense_RF[:, 2:]
    step = np.float32(np.log(2) / 8)
    assert dense.tolist() == [[0, 0], [step, 0], [-step, 0], [0, 1]]


def test_categories_are_found_by_text_bytes_and_number() -> None:
    def codes(*values: object, dtype: object = object) -> list[int]:
        raw = np.array(values, dtype=dtype)  # type: ignore[call-overload]
        return [int(code) for code in encode_values(FEATURES, {"kind": raw}, ANCHORS[: len(raw)]).codes_RC[:, 0]]

    assert codes("b", "é", "nobody", None) == [1, 3, 0, 0]
    assert codes(b"b", "é".encode(), b"", b"007") == [1, 3, 0, 5]
    assert codes("b", "007", "7", dtype=np.str_) == [1, 5, 2]
    assert codes(7, 8, MISSING_INT64, dtype=np.int64) == [2, 0, 0]
    assert codes(7.0, 0.5, np.nan, dtype=np.float32) == [2, 4, 0]


def test_booleans_arrive_as_numbers_or_truth_values() -> None:
    features = TableFeatures(table="t", categoricals=(CategoricalFeature(column="kind", values=("1", "0")),))
    for raw in (np.array([True, False]), np.array([1, 0]), np.array([1.0, 0.0], dtype=np.float32)):
        assert encode_values(features, {"kind": raw}, ANCHORS[:2]).codes_RC.tolist() == [[1], [2]]


def test_left_out_columns_are_missing_everywhere() -> None:
    encoded = encode_values(FEATURES, {}, ANCHORS)
    assert encoded.dense_RF.tolist() == [[0, 1, 0, 1]] * 4
    assert encoded.codes_RC.tolist() == [[0]] * 4


def test_no_rows() -> None:
    encoded = encode_values(FEATURES, {"x": np.zeros(0)}, ANCHORS[:0])
    assert encoded.dense_RF.shape == (0, 4)
    assert encoded.codes_RC.shape == (0, 1)
    assert time_features(np.zeros((0, 3))).shape == (0, 3, NUM_TIME_FEATURES)


def test_features_survive_json() -> None:
    assert features_from_json(features_to_json({"t": FEATURES})) == {"t": FEATURES}


@given(st.lists(st.floats(-4000, 4000) | st.just(float("nan")), max_size=20))
def test_time_features_are_bounded_and_flag_static_rows(days: list[float]) -> None:
    features = time_features(np.array(days, dtype=np.float64))
    assert features.shape == (len(days), NUM_TIME_FEATURES)
    assert (np.abs(features) <= 1.1).all()
    static = np.isnan(np.array(days, dtype=np.float64))
    assert (features[:, 1] == static).all()
    assert (np.delete(features[static], 1, axis=1) == 0).all()


def test_time_features_grow_with_age() -> None:
    log_days = time_features(np.array([0.0, 0.5, 1.0, 30.0, 365.0]))[:, 0]
    assert log_days[0] == 0
    assert (np.diff(log_days) > 0).all()


def test_the_calendar_repeats_weekly_and_yearly() -> None:
    features = calendar_features(np.array([at_day(0), at_day(7), at_day(3.5)]))
    assert features.shape == (3, NUM_CALENDAR_FEATURES)
    week = features[:, [2, 5]]
    np.testing.assert_allclose(week[0], week[1], atol=1e-6)
    np.testing.assert_allclose(week[0], -week[2], atol=1e-6)
    year = calendar_features(np.array([at_day(0), at_day(0) + int(365.25 * DAY_NS)]))[:, :2]
    np.testing.assert_allclose(year[0], year[1], atol=1e-6)


def test_the_module_needs_numpy_only() -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); before = set(sys.modules); import model.served.features;"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    command = [sys.executable, "-I", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["model", "numpy"]
