"""Load before and around an event -> what its callers noticed."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bench.disturbances import Around, Twin, disturbance_of
from serving.release_verbs import canary, promote, ramp, register, rollback
from tests.bench.samples import load_result


def test_failures_and_the_tail_are_those_around_the_event() -> None:
    calm = load_result([2.0] * 4_000)
    found = disturbance_of([Around(before=calm, around=load_result([3.0] * 4_000, failed=2))])
    assert found.failed == 2
    assert found.requests == 4_000
    assert found.p99_ratio == pytest.approx(1.5)
    assert found.max_ms == pytest.approx(2_000, rel=0.01)  # a failed request counts as the timeout


def test_repetitions_add_up_and_the_median_ratio_counts() -> None:
    calm = load_result([2.0] * 4_000)
    ratios = (2.0, 2.2, 9.0)
    found = disturbance_of([Around(before=calm, around=load_result([2.0 * ratio] * 4_000)) for ratio in ratios])
    assert found.requests == 12_000
    assert found.p99_ratio == pytest.approx(2.2)
    assert found.p999_ms == pytest.approx(18)
    assert found.failed == 0


def test_too_few_requests_have_no_ratio() -> None:
    few = load_result([2.0] * 50)
    found = disturbance_of([Around(before=few, around=few)])
    assert found.p99_ratio is None
    assert found.p999_ms is None


def test_a_round_can_be_repeated(tmp_path: Path) -> None:
    twin = Twin(folder=tmp_path)
    for number, version in enumerate(("v1", "v2")):
        digest, now = f"sha256:{number:064x}", datetime(2026, 11, 29, tzinfo=UTC)
        twin.do(partial(register, version=version, digest=digest, uri=f"/models/{version}", registered=now))
    twin.do(partial(promote, version="v1"))
    for _ in range(2):
        twin.do(partial(canary, version="v2", weight=10))
        twin.do(partial(ramp, weight=50))
        twin.do(rollback)
        twin.clear()
    assert twin.release.rejected == ()
