"""When two answers agree."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kserve.probe import REQUEST_ID
from serving.twin.comparer import PROBE_ID, uncounted
from serving.twin.pairs import Answer, Outcome, Pair, read_answer

scores = st.floats(-1e6, 1e6)


def pair(stable: float | None, shadow: float | None, tolerance: float = 0.01) -> Pair:
    def answer(score: float | None) -> Answer:
        return Answer(status=500 if score is None else 200, score=score)

    return Pair(request_id="r", stable=answer(stable), shadow=answer(shadow), tolerance=tolerance)


@pytest.mark.parametrize(
    ("stable", "shadow", "outcome"),
    [
        (0.5, 0.5, "agreed"),
        (0.5, 0.505, "agreed"),
        (0.5, 0.52, "disagreed"),
        (1000.0, 1009.0, "agreed"),
        (1000.0, 1011.0, "disagreed"),
        (-1000.0, -1009.0, "agreed"),
        (0.5, None, "shadow_failed"),
        (None, 0.5, "stable_failed"),
        (None, None, "stable_failed"),
    ],
)
def test_scores_agree_within_the_tolerance_and_a_failure_is_neither(
    stable: float | None, shadow: float | None, outcome: Outcome
) -> None:
    assert pair(stable, shadow).outcome == outcome


@given(scores, scores, st.floats(0, 1), st.floats(0, 1))
def test_whoever_agrees_still_does_with_more_tolerance(one: float, other: float, less: float, more: float) -> None:
    less, more = sorted((less, more))
    if pair(one, other, less).outcome == "agreed":
        assert pair(one, other, more).outcome == "agreed"
    assert pair(one, one, 0.0).outcome == "agreed"


@given(scores)
def test_the_score_is_read_from_an_answer(score: float) -> None:
    outputs = [{"name": "embedding_time", "data": [1]}, {"name": "score", "data": [score]}]
    found = read_answer(200, json.dumps({"outputs": outputs}).encode())
    assert found.score is not None
    assert math.isclose(found.score, score)


def test_of_several_numbers_the_farthest_apart_decides() -> None:
    def answer(*numbers: float) -> Answer:
        body = json.dumps({"outputs": [{"name": "score", "data": numbers}]})
        return read_answer(200, body.encode())

    def outcome(stable: Answer, shadow: Answer) -> Outcome:
        return Pair(request_id="r", stable=stable, shadow=shadow, tolerance=0.01).outcome

    assert outcome(answer(0.2, 0.8), answer(0.2, 0.805)) == "agreed"
    assert outcome(answer(0.2, 0.8), answer(0.2, 0.7)) == "disagreed"
    assert outcome(answer(0.2, 0.8), answer(0.2)) == "shadow_failed"
    assert answer(0.2, float("nan")).score is None


def test_what_is_asked_for_a_comparison_is_not_counted_by_the_models() -> None:
    assert json.loads(uncounted(b'{"id": "7", "inputs": [1]}')) == {"id": PROBE_ID, "inputs": [1]}
    assert PROBE_ID == REQUEST_ID, "the cluster's probe and the model know one name"
    for other in (b"[1]", b"{", b"\xff"):
        assert uncounted(other) == other


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"outputs": [{"name": "score", "data": [1.0]}]}'),
        (200, b"{"),
        (200, b"[]"),
        (200, b'{"outputs": []}'),
        (200, b'{"outputs": [{"name": "score", "data": []}]}'),
        (200, b'{"outputs": [{"name": "score", "data": ["x"]}]}'),
        (200, b'{"outputs": [{"name": "score", "data": [NaN]}]}'),
    ],
)
def test_whatever_has_no_score_is_a_failure(status: int, body: bytes) -> None:
    assert read_answer(status, body) == Answer(status=status, score=None)
