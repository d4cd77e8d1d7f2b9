import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.served.inputs import NUM_SUMMARY, age_days, keep_recent, summarise, within
from model.served.missing import MISSING_INT64

DAY_NS = 86_400 * 10**9
OWNED_TIMES = st.lists(
    st.lists(st.one_of(st.just(MISSING_INT64), st.integers(-4, 3)), max_size=6), min_size=1, max_size=5
)


@given(OWNED_TIMES, st.integers(1, 4))
def test_keep_recent_equals_the_slow_way(times: list[list[int]], max_rows: int) -> None:
    flat = np.array([time for one in times for time in one], np.int64)
    owner_R = np.repeat(np.arange(len(times)), [len(one) for one in times])
    anchor_ns = np.array([owner % 3 for owner in range(len(times))], np.int64)
    expected, start = [], 0
    for owner, one in enumerate(times):
        known = [(time, start + place) for place, time in enumerate(one) if MISSING_INT64 < time <= anchor_ns[owner]]
        expected += sorted(place for _, place in sorted(known)[-max_rows:])
        start += len(one)
    assert keep_recent(anchor_ns, flat, owner_R, MISSING_INT64, max_rows).tolist() == expected


def test_within_counts_from_zero_for_each_owner() -> None:
    assert within(np.array([0, 0, 2, 2, 2, 5])).tolist() == [0, 1, 0, 1, 2, 0]
    assert within(np.zeros(0, np.int64)).tolist() == []


def test_age_is_exact_before_it_is_rounded() -> None:
    anchor_ns = np.array([1_700_000_000_123_456_789, DAY_NS])
    ages = age_days(anchor_ns, anchor_ns - np.array([1, DAY_NS]))
    np.testing.assert_allclose(ages, [1 / DAY_NS, 1.0], rtol=1e-6)
    assert ages.dtype == np.float32


def test_summary_counts_rows_in_growing_windows() -> None:
    ages_R = np.array([0.5, 6.0, 40.0, 2000.0], np.float32)
    summary_BS = summarise(ages_R, np.array([0, 0, 0, 2]), 3)
    counts_BS = np.expm1(summary_BS * 3)
    np.testing.assert_allclose(counts_BS[0], [1, 2, 2, 3, 3, 3, 0.5, 40], rtol=1e-5)
    np.testing.assert_allclose(counts_BS[1], [0, 0, 0, 0, 0, 0, 3650, 0], rtol=1e-4)
    np.testing.assert_allclose(counts_BS[2], [0, 0, 0, 0, 0, 1, 2000, 2000], rtol=1e-4)
    assert summarise(np.zeros(0, np.float32), np.zeros(0, np.int64), 0).shape == (0, NUM_SUMMARY)
