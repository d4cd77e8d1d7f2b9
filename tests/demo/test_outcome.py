"""Records of the load become the report's figures: what is lost, what the bad version did, how the traffic split."""

import numpy as np

from demo.evidence import Step
from demo.outcome import Released, outcome
from serving.load_result import LoadResult

STEPS = (
    Step(name="v2 at 10 %", start_s=1.0, end_s=2.0, weights={"v1": 90, "v2": 10}, newer="v2"),
    Step(name="v3 at 10 %", start_s=2.5, end_s=3.0, weights={"v2": 90, "v3": 10}, newer="v3"),
    Step(name="v3 rolled back", start_s=3.2, end_s=4.0, weights={"v2": 100}),
    Step(name="embeddings renewed", start_s=4.5, end_s=5.0, weights={"v2": 100}),
)
VERBS = {"v2 at 10 %": 0.9, "v3 at 10 %": 2.0, "v3 rolled back": 3.0, "embeddings renewed": 4.4}
VERSIONS = ("", "v1", "v2", "v3")


def result(rows: list[tuple[float, float, int, str]]) -> LoadResult:
    planned_s, latency_ms, status, version = zip(*rows, strict=True)
    return LoadResult(
        planned_s=np.array(planned_s),
        latency_ms=np.array(latency_ms),
        late_ms=np.zeros(len(rows)),
        status=np.array(status, dtype=np.int16),
        version=np.array([VERSIONS.index(name) for name in version], dtype=np.int16),
        versions=VERSIONS,
        timeout_s=10.0,
    )


def found(rows: list[tuple[float, float, int, str]]) -> Released:
    return outcome(result(rows), STEPS, VERBS, refresh_seconds=0.4, foreign_refused=True, history=["one"])


ROWS = [
    (1.1, 5.0, 200, "v1"),
    (1.2, 5.0, 200, "v1"),
    (1.3, 5.0, 200, "v2"),
    (1.4, 5.0, 200, "v1"),
    (2.6, 5.0, 500, "v3"),
    (2.7, 5.0, 200, "v2"),
    (3.3, 5.0, 200, "v2"),
    (4.2, 5.0, 200, "v2"),
    (4.8, 9.0, 200, "v2"),
]


def test_errors_of_the_bad_version_are_counted_apart() -> None:
    released = found(ROWS)
    assert (released.requests.sent, released.requests.failed, released.requests.failed_by_bad_version) == (9, 0, 1)


def test_a_request_without_an_answer_is_lost_whoever_was_asked() -> None:
    released = found([*ROWS, (4.9, 10_000.0, 0, "")])
    assert released.requests.failed == 1
    assert released.refresh.failed == 1


def test_an_error_of_a_good_version_is_a_lost_request() -> None:
    assert found([*ROWS, (3.5, 5.0, 503, "v2")]).requests.failed == 1


def test_the_split_counts_answers_within_the_step() -> None:
    split = found(ROWS).split
    assert split.expected == {"v2 at 10 %": 0.1, "v3 at 10 %": 0.1}
    assert split.observed == {"v2 at 10 %": 0.25, "v3 at 10 %": 0.5}
    assert split.requests == {"v2 at 10 %": 4, "v3 at 10 %": 2}


def test_rollback_lasts_until_the_route_is_taken_over_or_the_last_answer() -> None:
    assert found(ROWS).rollout.rollback_seconds == 3.2 - 3.0
    late = found([*ROWS, (3.1, 400.0, 500, "v3")])
    assert abs(late.rollout.rollback_seconds - 0.5) < 1e-9
