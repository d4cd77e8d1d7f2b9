"""Stored evidence is judged again to the same, and a file that is not evidence is refused by its field."""

import json

import pytest

from model.errors import UserError
from serving.judge.evidence import Arm, Evidence, Pairs, SeriesState, Signal
from serving.judge.plan import Metric, Plan
from serving.judge.record import judged, parse_record, record_text, replay
from serving.judge.verdict import Verdict
from tests.serving.judge.windows import STEP, arm, evidence, steady, window

PLAN = Plan(
    metrics=tuple(
        Metric.model_validate({"name": name})
        for name in ("failures", "answered", "latency_p50", "latency_p99", "prediction_drift", "disagreement")
    ),
    warm_up_seconds=0,
)
PAIRS = Pairs(compared=100, disagreed=2)
SILENT = Arm(states={Signal.REQUESTS: SeriesState.STALE})
CASES = {
    Verdict.ADVANCE: evidence(*(window(minute, arm(9000, 90), arm(1000, 10), pairs=PAIRS) for minute in range(20))),
    Verdict.HOLD: evidence(*(window(minute, arm(900, 9), arm(100, 1), pairs=PAIRS) for minute in range(20))),
    Verdict.ROLLBACK: steady(3, errors=8),
    Verdict.NO_DATA: evidence(window(0, arm(900), SILENT)),
    Verdict.ERROR: evidence(*(window(minute, arm(500), arm(500)) for minute in range(3))),
}


@pytest.mark.parametrize("verdict", CASES)
def test_every_verdict_is_reached_again_from_its_text(verdict: Verdict) -> None:
    record = judged(CASES[verdict], PLAN, STEP)
    assert record.judgement.verdict is verdict, record.judgement.reason
    again = parse_record(record_text(record), place="evidence.json")
    assert again == record
    assert replay(again) == record.judgement
    assert record_text(again) == record_text(record)


def test_the_text_names_its_schema_versions_queries_and_spent_alpha() -> None:
    held = json.loads(record_text(judged(CASES[Verdict.ADVANCE], PLAN, STEP)))
    assert held["schema"] == "stillhouse.evidence/v1"
    assert held["evidence"]["candidate"]["digest"].startswith("sha256:2")
    assert "envoy_cluster_upstream_rq" in held["evidence"]["queries"]["requests.candidate"]
    assert 0 < held["judgement"]["alpha_spent"] < held["judgement"]["alpha"]
    assert [each["name"] for each in held["judgement"]["findings"]] == [metric.name for metric in PLAN.metrics]


def test_no_number_is_lost_on_the_way_even_where_the_evidence_is_overwhelming() -> None:
    record = judged(steady(20, errors=1000, requests=1000), PLAN, STEP)
    assert "null" not in record_text(record).split('"e_value"')[1][:20]
    assert parse_record(record_text(record), place="evidence.json") == record


def test_changed_counts_are_told_by_judging_again() -> None:
    record = judged(CASES[Verdict.ADVANCE], PLAN, STEP)
    worse = evidence(*(window(minute, arm(9000, 90), arm(1000, 90), pairs=PAIRS) for minute in range(20)))
    assert replay(record.model_copy(update={"evidence": worse})) != record.judgement


def test_what_is_no_evidence_is_refused_by_its_field() -> None:
    held = json.loads(record_text(judged(CASES[Verdict.HOLD], PLAN, STEP)))
    held["evidence"]["windows"][0]["stable"]["outcomes"]["teapot"] = 1
    with pytest.raises(UserError, match=r"windows.0.stable.outcomes.teapot"):
        parse_record(json.dumps(held), place="evidence.json")


def test_a_histogram_needs_a_count_for_everything() -> None:
    text = record_text(judged(CASES[Verdict.HOLD], PLAN, STEP))
    held = json.loads(text)
    held["evidence"]["windows"][0]["stable"]["latency_ms"]["cumulative"].pop()
    with pytest.raises(UserError, match="one count for each bound and one for all"):
        parse_record(json.dumps(held), place="evidence.json")


def test_evidence_without_histograms_is_missing_and_not_zero() -> None:
    bare = Arm()
    assert (bare.state(Signal.LATENCY), bare.state(Signal.REQUESTS)) == (SeriesState.MISSING, SeriesState.PRESENT)
    assert Evidence.model_validate_json(CASES[Verdict.HOLD].model_dump_json()) == CASES[Verdict.HOLD]
