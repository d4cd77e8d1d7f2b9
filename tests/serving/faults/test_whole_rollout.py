"""Without any fault: a good candidate is promoted and a bad one rolled back, and nobody loses a request by it."""

from datetime import UTC, datetime
from functools import partial

from scipy.stats import binomtest

from serving.conductor.action import Outcome
from serving.release_verbs import canary
from tests.serving.fake_repository import Behaviour
from tests.serving.faults.night import CHANCE, Night
from tests.serving.twin.test_shadow import add_twin_of
from tests.serving.waiting import wait_for


def test_a_good_candidate_goes_step_by_step_to_all_of_the_traffic(night: Night) -> None:
    version = night.begin()
    with night.loaded() as load, night.conducted() as conducted:
        assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()
    conducted.assert_split_as_asked()
    assert night.verbs() == ["canary", "advance", "advance"]
    assert night.read().stable is not None
    assert night.stable == version
    assert night.weights() == {version: 100}


def test_a_candidate_that_fails_is_rolled_back_and_barred(night: Night) -> None:
    stable = night.stable
    version = night.begin(Behaviour(fail_share=0.6), metrics=[{"name": "failures", "margin": 0.05, "alpha": 0.05}])
    with night.loaded() as load, night.conducted() as conducted:
        assert conducted.end().outcome is Outcome.ROLLED_BACK
    assert set(load.lost_by_version) == {version}
    conducted.assert_split_as_asked()
    assert night.read().is_rejected(night.release.versions[version].digest)
    assert night.weights() == {stable: 100}
    assert night.verbs() == ["canary", "rollback"]


def test_callers_get_the_split_that_was_asked_for(night: Night) -> None:
    """At least a thousand requests at one weight, by what their callers saw."""
    version = night.add_next()
    night.canary(version, 20)
    with night.loaded(250) as load:
        wait_for(lambda: load.answered() >= 1000, what="a thousand answers")
    load.assert_calm()
    assert load.sent >= 1000
    chance = binomtest(load.by_version[version], load.sent, 0.2).pvalue
    assert chance > CHANCE, f"{load.by_version} at 20 %"


def test_a_candidate_that_answers_the_same_is_promoted_by_its_pairs(night: Night) -> None:
    night.write_plan(metrics=[{"name": "disagreement", "margin": 0.2}])
    version = add_twin_of(night, night.stable, Behaviour(sleep_ms=1))
    night.do(partial(canary, version=version, now=datetime.now(UTC)))
    with night.loaded() as load, night.conducted() as conducted:
        assert conducted.end().outcome is Outcome.PROMOTED
    assert night.weights() == {version: 100}
    conducted.assert_split_as_asked()
    load.assert_calm()
