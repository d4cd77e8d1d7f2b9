"""A table of what evidence ends in, and what must hold for all evidence."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.judge.evidence import Arm, Evidence, Histogram, Outcome, Pairs, SeriesState, Signal, Window
from serving.judge.judging import judge
from serving.judge.plan import Metric, MetricName, Plan, Step
from serving.judge.verdict import Finding, Judgement, Verdict
from tests.serving.judge.windows import FAILURES, STEP, arm, evidence, minute, scores, steady, window

LONG = 40
"""Minutes after which a steady step of 100 candidate requests a minute has told enough for a margin of a point."""
LENIENT = Plan(
    metrics=(
        Metric(name="failures", margin=0.01),
        Metric(name="latency_p50"),
        Metric(name="latency_p99"),
        Metric(name="prediction_drift"),
    ),
    warm_up_seconds=0,
)


def lost(state: SeriesState, signal: Signal = Signal.REQUESTS) -> Arm:
    return Arm(outcomes={}, states={signal: state})


def with_last(held: Evidence, **update: object) -> Evidence:
    """The same with another last window."""
    last = held.windows[-1].model_copy(update=update)
    return held.model_copy(update={"windows": (*held.windows[:-1], last)})


def finding(judgement: Judgement, name: str) -> Finding:
    return next(each for each in judgement.findings if each.name == name)


def judge_one(held: Evidence, name: MetricName = "failures", **fields: object) -> Judgement:
    metric = Metric.model_validate({"name": name, **fields})
    return judge(held, Plan(metrics=(metric,), warm_up_seconds=0), STEP)


def test_no_worse_with_enough_samples_and_time_advances() -> None:
    judgement = judge(steady(LONG), LENIENT, STEP)
    assert judgement.verdict is Verdict.ADVANCE, judgement.reason
    assert "worse by at most" in judgement.reason
    assert (judgement.stable_requests, judgement.candidate_requests) == (900 * LONG, 100 * LONG)
    assert judgement.samples_needed is None
    assert all(each.passes and not each.harmful for each in judgement.findings)
    assert judgement.looks == LONG - 4
    assert 0 < judgement.alpha_spent < 0.01


def test_five_percent_against_one_rolls_back_at_the_first_looks() -> None:
    judgement = judge(steady(2, errors=6), FAILURES, STEP)
    assert judgement.verdict is Verdict.ROLLBACK
    assert "candidate 6.00 % (12 of 200), stable 1.00 % (18 of 1,800)" in judgement.reason
    assert "limit 100" in judgement.reason


def test_harm_needs_no_minimum_of_samples_or_time() -> None:
    step = Step(weight=10, min_samples=100_000, min_minutes=600, max_minutes=1200)
    assert judge(steady(2, errors=6), FAILURES, step).verdict is Verdict.ROLLBACK


def test_proven_but_within_the_margin_is_no_harm() -> None:
    held = steady(LONG, errors=20, stable_errors=90, requests=1000)
    judgement = judge_one(held, margin=0.02)
    assert finding(judgement, "failures").e_value >= 100
    assert judgement.verdict is Verdict.ADVANCE


def test_few_samples_hold_and_say_how_many() -> None:
    judgement = judge(steady(6, errors=0, stable_errors=0, requests=20), FAILURES, STEP)
    assert judgement.verdict is Verdict.HOLD
    assert "needs 300 requests of each (got 120 and 1,080)" in judgement.reason
    assert judgement.samples_needed is not None
    assert judgement.samples_needed >= 180


def test_too_little_time_holds() -> None:
    judgement = judge(steady(4, errors=0, stable_errors=0, requests=10_000), FAILURES, STEP)
    assert judgement.verdict is Verdict.HOLD
    assert "needs 5 min (got 4.0)" in judgement.reason


def test_not_significantly_worse_is_not_good_enough() -> None:
    judgement = judge(steady(6), FAILURES, STEP)
    assert judgement.verdict is Verdict.HOLD
    assert finding(judgement, "failures").e_value < 100
    assert "more requests would tell" in judgement.reason
    assert judgement.samples_needed == finding(judgement, "failures").samples_needed


def test_about_as_many_samples_as_were_asked_for_are_enough() -> None:
    held = steady(10, requests=200, errors=2, stable_errors=18)
    asked = judge_one(held, margin=0.01).samples_needed
    assert asked is not None
    minutes = 10 + asked // 200 + 1
    assert judge_one(steady(minutes + minutes // 2, requests=200, errors=2, stable_errors=18), margin=0.01).verdict is (
        Verdict.ADVANCE
    )


@pytest.mark.parametrize(("stable", "candidate"), [(0, 0), (900, 0)])
def test_a_version_without_answers_is_no_data(stable: int, candidate: int) -> None:
    held = evidence(*(window(number, arm(stable), arm(candidate)) for number in range(10)))
    assert judge(held, FAILURES, STEP).verdict is Verdict.NO_DATA


def test_a_candidate_that_gets_everything_is_a_wrong_split() -> None:
    held = evidence(*(window(number, arm(0), arm(100)) for number in range(10)))
    assert judge(held, FAILURES, STEP).verdict is Verdict.ERROR


def test_no_window_at_all_is_no_data() -> None:
    judgement = judge(evidence(), FAILURES, STEP)
    assert (judgement.verdict, judgement.reason) == (Verdict.NO_DATA, "no window of this step has ended yet")


@pytest.mark.parametrize("state", [state for state in SeriesState if state is not SeriesState.PRESENT])
@pytest.mark.parametrize("place", ["stable", "candidate"])
def test_a_newest_window_without_evidence_never_advances_and_is_named(state: SeriesState, place: str) -> None:
    judgement = judge(with_last(steady(LONG), **{place: lost(state)}), LENIENT, STEP)
    assert judgement.verdict is Verdict.NO_DATA
    assert state.value.replace("_", " ") in judgement.reason


def test_a_counter_reset_in_the_past_leaves_its_window_out_on_both_arms() -> None:
    windows = list(steady(LONG).windows)
    windows[3] = windows[3].model_copy(update={"candidate": lost(SeriesState.RESET)})
    judgement = judge(evidence(*windows), LENIENT, STEP)
    assert judgement.verdict is Verdict.ADVANCE
    assert (judgement.stable_requests, judgement.candidate_requests) == (900 * (LONG - 1), 100 * (LONG - 1))


def test_missing_latency_alone_is_no_data() -> None:
    bare = Arm(outcomes={Outcome.OK: 100})
    judgement = judge(with_last(steady(LONG), candidate=bare), LENIENT, STEP)
    assert judgement.verdict is Verdict.NO_DATA
    assert "latency_p99: missing" in judgement.reason
    assert "failures" not in judgement.reason


def test_harm_that_was_proven_stays_proven_when_the_metrics_go() -> None:
    held = with_last(steady(LONG, errors=6), stable=lost(SeriesState.MISSING), candidate=lost(SeriesState.MISSING))
    assert judge(held, FAILURES, STEP).verdict is Verdict.ROLLBACK


def test_warm_up_is_left_out_on_both_arms() -> None:
    cold = [window(number, arm(900, 9), arm(100, 50)) for number in range(5)]
    warm = [window(number, arm(900, 9), arm(100, 1)) for number in range(5, 5 + LONG)]
    plan = LENIENT.model_copy(update={"warm_up_seconds": 300.0})
    held = evidence(*cold, *warm, ready=minute(0))
    judgement = judge(held, plan, STEP)
    assert judgement.verdict is Verdict.ADVANCE
    assert judgement.candidate_requests == 100 * LONG
    assert judge(held, LENIENT, STEP).verdict is Verdict.ROLLBACK


def test_a_replica_that_is_added_later_does_not_void_what_was_counted_before() -> None:
    held = steady(2 * LONG)
    later = held.candidate.model_copy(update={"ready": minute(LONG)})
    plan = LENIENT.model_copy(update={"warm_up_seconds": 300.0})
    judgement = judge(held.model_copy(update={"candidate": later}), plan, STEP)
    assert judgement.candidate_requests == 100 * (2 * LONG - 5)


@pytest.mark.parametrize(("then", "verdict"), [("hold", Verdict.NO_DATA), ("rollback", Verdict.ROLLBACK)])
def test_long_without_evidence_does_what_the_file_says(then: str, verdict: Verdict) -> None:
    held = evidence(*(window(number, arm(900), arm(0)) for number in range(61)))
    judgement = judge_one(held, on_no_evidence=then)
    assert judgement.verdict is verdict
    assert judgement.overdue
    assert "60 min" in judgement.reason


def test_a_step_that_lasts_too_long_calls_a_person() -> None:
    judgement = judge(steady(61), Plan(metrics=(Metric(name="failures", margin=0.0001),), warm_up_seconds=0), STEP)
    assert judgement.verdict is Verdict.HOLD
    assert judgement.overdue
    assert "a person decides" in judgement.reason


def test_a_wrong_split_voids_the_comparison() -> None:
    held = evidence(*(window(number, arm(800, 8), arm(200, 2)) for number in range(LONG)))
    judgement = judge(held, LENIENT, STEP)
    assert judgement.verdict is Verdict.ERROR
    assert "20.00 % of the requests, asked were 10.00 %" in judgement.reason


def test_a_wrong_split_voids_harm_by_latency_but_not_by_failures() -> None:
    """A version that fails may have unbalanced the split itself: ejected as an outlier, its requests sent again."""
    slow = evidence(*(window(number, arm(980), arm(20, slow=0.5)) for number in range(LONG)))
    failing = evidence(*(window(number, arm(980, 9), arm(20, 15)) for number in range(LONG)))
    assert judge(slow, LENIENT, STEP).verdict is Verdict.ERROR
    judgement = judge(failing, LENIENT, STEP)
    assert judgement.verdict is Verdict.ROLLBACK
    assert "asked were 10.00 %" in judgement.reason


def test_the_tail_alone_rolls_back() -> None:
    held = evidence(*(window(number, arm(900), arm(100, slow=0.05)) for number in range(6)))
    judgement = judge(held, LENIENT, STEP)
    assert judgement.verdict is Verdict.ROLLBACK
    assert "latency_p99: candidate 5.00 % (30 of 600), stable 1.00 % (54 of 5,400) above 20 ms" in judgement.reason


@pytest.mark.parametrize(("on_harm", "verdict"), [(None, Verdict.HOLD), ("rollback", Verdict.ROLLBACK)])
def test_drift_is_for_a_person_unless_the_file_says_otherwise(on_harm: str | None, verdict: Verdict) -> None:
    shifted = arm(100).model_copy(update={"scores": scores(100, shift=9)})
    held = evidence(*(window(number, arm(900), shifted) for number in range(LONG)))
    judgement = judge_one(held, "prediction_drift", on_harm=on_harm)
    assert judgement.verdict is verdict, judgement.reason
    assert "stability index" in judgement.reason


@pytest.mark.parametrize(("disagreed", "verdict"), [(1, Verdict.ADVANCE), (5, Verdict.HOLD), (30, Verdict.ROLLBACK)])
def test_pairs_that_disagree(disagreed: int, verdict: Verdict) -> None:
    pairs = Pairs(compared=100, disagreed=disagreed)
    held = evidence(*(window(number, arm(900), arm(100), pairs=pairs) for number in range(LONG)))
    assert judge_one(held, "disagreement", on_harm="rollback", margin=0.05).verdict is verdict


def test_fewer_answers_and_more_mistakes_of_callers_count_too() -> None:
    held = evidence(
        *(window(number, arm(900, 9), arm(100, 20, outcome=Outcome.CLIENT_ERROR)) for number in range(LONG))
    )
    assert judge_one(held, "answered").verdict is Verdict.ROLLBACK
    assert judge_one(held, "client_errors").verdict is Verdict.ROLLBACK
    assert judge_one(held, "failures").verdict is not Verdict.ROLLBACK


def test_a_change_for_the_better_is_harm_where_nothing_may_change() -> None:
    held = steady(LONG, errors=0, stable_errors=90)
    assert judge_one(held, direction="unchanged").verdict is Verdict.ROLLBACK
    assert judge_one(held).verdict is Verdict.ADVANCE


def test_harm_at_a_later_weight_is_seen_soon_after_much_that_was_well() -> None:
    well = [window(number, arm(9000, 90), arm(1000, 10)) for number in range(100)]
    bad = [window(100 + number, arm(500, 5), arm(500, 25), asked=50) for number in range(3)]
    held = evidence(*well, *bad, step_start=minute(100))
    step = Step(weight=50, min_samples=300, min_minutes=5)
    assert judge(held, FAILURES, step).verdict is Verdict.ROLLBACK


CONTRADICTIONS: dict[str, Callable[[Evidence], Evidence]] = {
    "same digest": lambda held: held.model_copy(update={"candidate": held.stable}),
    "overlap": lambda held: held.model_copy(update={"windows": (held.windows[0], *held.windows)}),
    "ends before": lambda held: with_last(held, end=held.windows[-1].start - timedelta(seconds=1)),
    "clocks differ": lambda held: held.model_copy(update={"gathered": held.gathered - timedelta(minutes=2)}),
    "spans a change": lambda held: held.model_copy(update={"step_start": minute(3.5)}),
    "asked for what": lambda held: with_last(held, asked_percent=50.0),
    "fewer than no": lambda held: with_last(held, candidate=Arm(outcomes={Outcome.OK: 10, Outcome.TIMEOUT: -1})),
    "no time at all": lambda held: with_last(held, end=held.windows[-1].start),
    "disagree than": lambda held: with_last(held, pairs=Pairs(compared=3, disagreed=4)),
    "counts fall": lambda held: with_last(
        held, stable=arm(900).model_copy(update={"scores": Histogram(upper_bounds=(0.5,), cumulative=(3, 2))})
    ),
    "do not ascend": lambda held: with_last(
        held, stable=arm(900).model_copy(update={"latency_ms": Histogram(upper_bounds=(2, 1), cumulative=(1, 2, 3))})
    ),
    "different bounds": lambda held: with_last(
        held, stable=arm(900).model_copy(update={"latency_ms": Histogram(upper_bounds=(1, 2), cumulative=(1, 2, 3))})
    ),
}


@pytest.mark.parametrize("words", CONTRADICTIONS)
def test_what_cannot_be_is_an_error_and_no_verdict_on_the_model(words: str) -> None:
    judgement = judge(CONTRADICTIONS[words](steady(LONG, errors=6)), LENIENT, STEP)
    assert judgement.verdict is Verdict.ERROR
    assert words in judgement.reason


ARMS = st.builds(
    lambda requests, share, lost_state: (
        arm(requests, int(requests * share)) if lost_state is None else lost(lost_state)
    ),
    st.integers(0, 3000),
    st.floats(0, 1),
    st.sampled_from([None, None, None, *SeriesState]),
)
EVIDENCE = st.lists(st.tuples(ARMS, ARMS), max_size=8).map(
    lambda arms: evidence(*(window(number, *each) for number, each in enumerate(arms)))
)


@settings(max_examples=80, deadline=None)
@given(EVIDENCE)
def test_nothing_advances_without_evidence_and_every_verdict_has_its_reason(held: Evidence) -> None:
    step = Step(weight=10, min_samples=50, min_minutes=1)
    judgement = judge(held, Plan(metrics=(Metric(name="failures", margin=0.5),), warm_up_seconds=0), step)
    assert judgement.reason
    newest: tuple[Window, ...] = held.windows[-1:]
    is_present = any(not each.stable.states and not each.candidate.states for each in newest)
    enough = min(judgement.stable_requests, judgement.candidate_requests) >= 50 and judgement.minutes >= 1
    assert judgement.verdict is not Verdict.ADVANCE or (is_present and enough)


BETTER_FIRST = [Verdict.ADVANCE, Verdict.HOLD, Verdict.ROLLBACK]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.integers(1, 12), st.integers(0, 40))
def test_more_errors_of_the_candidate_never_make_a_better_verdict(errors: int, minutes: int, before: int) -> None:
    step = Step(weight=10, min_samples=50, min_minutes=1)
    plan = Plan(metrics=(Metric(name="failures", margin=0.05),), warm_up_seconds=0)
    fewer, more = (
        judge(steady(minutes, errors=each, stable_errors=before), plan, step) for each in (errors, errors + 1)
    )
    assert BETTER_FIRST.index(more.verdict) >= BETTER_FIRST.index(fewer.verdict)
    assert more.findings[0].e_value >= fewer.findings[0].e_value
