"""Faults 7, 8, 9 and 19: a version dies at half of the traffic, is slow in its tail, or answers something else."""

from serving.conductor.action import Outcome, Wait
from serving.judge.record import parse_record, replay
from serving.judge.verdict import Verdict
from serving.release_repository import history, read_evidence
from tests.serving.fake_repository import Behaviour
from tests.serving.faults.breaking import gone_and_down
from tests.serving.faults.night import Conducted, Night
from tests.serving.waiting import wait_for

STRICT = [{"name": "failures", "margin": 0.05, "alpha": 0.05}]
LONG = {"min_samples": 5000}
"""No step on within a test."""


def first_look(conducted: Conducted) -> None:
    conducted.until(lambda done: bool(done.weighed and done.weighed.judgement.candidate_requests), "a first look")


def test_a_candidate_is_killed_at_half_of_the_traffic_and_stays_down(night: Night) -> None:
    stable, version = night.stable, night.begin(step=LONG, metrics=STRICT)
    night.edit(lambda fields: fields["candidate"].update(weight=50), "to 50 %, by hand")
    with night.loaded() as load:
        with night.conducted() as conducted:
            first_look(conducted)
            with gone_and_down(night, version):
                assert conducted.end().outcome is Outcome.ROLLED_BACK
        assert night.weights() == {stable: 100}
        answered = load.answered()
        wait_for(lambda: load.answered() >= answered + 200, what="200 answers after the rollback")
    assert set(load.lost_by_version) == {version}, "the other version's callers notice nothing"
    assert load.lost_among_last(100) == 0
    assert load.lost < load.by_version[version], "what it answered before it died was good"
    assert night.read().is_rejected(night.release.versions[version].digest)


def test_a_candidate_is_slow_in_its_tail_alone(night: Night) -> None:
    metrics = [{"name": "latency_p99", "margin": 0.02, "alpha": 0.05}]
    stable = night.stable
    version = night.begin(Behaviour(slow_share=0.1, slow_ms=250), step=LONG, metrics=metrics)
    with night.loaded(40) as load, night.conducted() as conducted:
        ended = conducted.end()
    assert ended.outcome is Outcome.ROLLED_BACK, conducted.told()
    assert "latency_p99" in ended.reason
    assert load.lost == 0
    assert load.median_ms(version) < 200, "its median tells nothing"
    assert night.weights() == {stable: 100}


def test_a_candidate_answers_something_else_in_good_time(night: Night) -> None:
    metrics = [{"name": "failures", "margin": 0.25, "alpha": 0.05}, {"name": "prediction_drift", "alpha": 0.05}]
    version = night.begin(Behaviour(bias=-100.0), step={"max_minutes": 0.25}, metrics=metrics)
    with night.loaded() as load, night.conducted() as conducted:
        ended = conducted.end()
    assert ended.outcome is Outcome.HELD, "a new model is meant to differ: a person decides"
    assert "prediction_drift" in ended.reason
    verdicts = {done.weighed.judgement.verdict for done in conducted.passes if done.weighed}
    assert Verdict.ADVANCE not in verdicts
    load.assert_calm()
    assert night.weights()[version] == 20


def test_a_candidate_disagrees_with_the_stable_version_about_the_same_requests(night: Night) -> None:
    """By a little: its scores' distribution stays the same to the eye, pairs tell."""
    metrics = [{"name": "disagreement", "margin": 0.2, "alpha": 0.05}]
    version = night.begin(step={"max_minutes": 0.3}, metrics=metrics)
    with night.loaded() as load, night.conducted() as conducted:
        ended = conducted.end()
    assert ended.outcome is Outcome.HELD, "a new model is meant to differ: a person decides"
    assert "of the pairs disagree" in ended.reason, ended.reason
    assert {done.weighed.judgement.verdict for done in conducted.passes if done.weighed} <= {
        Verdict.HOLD,
        Verdict.NO_DATA,
    }
    digest = history(night.release_path)[0].trailers["Evidence"]
    stored = parse_record(read_evidence(night.release_path, digest).text, place="evidence")
    pairs = [window.pairs for window in stored.evidence.windows if window.pairs]
    assert sum(pair.compared for pair in pairs) == sum(pair.disagreed for pair in pairs) > 0
    assert replay(stored) == stored.judgement
    assert set(load.by_version) == {night.stable, version}
    load.assert_calm()


def test_the_stable_version_is_down_while_the_candidate_could_go_on(night: Night) -> None:
    stable, version = night.stable, night.begin(step={"min_samples": 150})
    with night.loaded() as load, night.conducted() as conducted:
        first_look(conducted)
        with gone_and_down(night, stable):
            guarded = conducted.until(
                lambda done: isinstance(done.action, Wait) and "cannot answer: no step on" in done.action.reason,
                "a step that is not taken",
            )
            assert guarded.served.down == (stable,)
            assert guarded.weighed is not None
            assert guarded.weighed.judgement.verdict is Verdict.ADVANCE, "the counts alone would let it go on"
            assert night.weights() == {stable: 80, version: 20}
        assert conducted.end().outcome is Outcome.PROMOTED
    assert set(load.lost_by_version) == {stable}
    assert night.verbs() == ["canary", "advance", "advance"]
