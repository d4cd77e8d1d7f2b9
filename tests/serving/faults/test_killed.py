"""Faults 1 and 2: a conductor is killed between a commit and the data plane; the next one repeats nothing."""

import json
import signal

from serving.conductor.action import Follow, Outcome
from tests.serving.fake_repository import Behaviour
from tests.serving.faults.breaking import kill_at_the_next_commit, run_conductor, run_verb
from tests.serving.faults.night import Night


def test_killed_between_the_commit_of_a_step_and_its_taking_effect(night: Night) -> None:
    stable, version = night.stable, night.begin()
    kill_at_the_next_commit(night.checkout)
    with night.loaded() as load:
        assert run_conductor(night).returncode == -signal.SIGKILL
        candidate = night.read().candidate
        assert candidate is not None
        assert candidate.weight == 50, "the step is committed"
        assert "weight: 20\n" in night.release_path.read_text(), "but not written"
        assert night.weights() == {stable: 80, version: 20}, "and not in force"
        again = run_verb(night, "run", "--json")
        assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["outcome"] == "promoted"
    load.assert_calm()
    assert night.verbs() == ["canary", "advance", "advance"], "no step was taken twice"
    assert night.weights() == {version: 100}


def test_killed_between_the_commit_of_a_rollback_and_its_taking_effect(night: Night) -> None:
    stable = night.stable
    version = night.begin(Behaviour(fail_share=0.6))
    kill_at_the_next_commit(night.checkout)
    with night.loaded() as load:
        assert run_conductor(night).returncode == -signal.SIGKILL
        assert night.read().candidate is None
        assert night.weights() == {stable: 80, version: 20}, "the bad version still serves"
        with night.conducted() as again:
            assert again.end().outcome is Outcome.ROLLED_BACK
        assert isinstance(again.passes[0].action, Follow), again.told()
        assert night.weights() == {stable: 100}
    assert set(load.lost_by_version) == {version}
    assert night.verbs() == ["canary", "rollback"]
