"""Faults 10 to 13 and 15: people and other writers change the release file while a conductor works by it."""

import pytest

from model.errors import UserError
from serving.conductor.action import End, Outcome, Wait, Write
from serving.conductor.conducting import Pass
from serving.release_repository import history, read_evidence
from serving.release_verbs import canary, register
from tests.serving.fake_repository import Behaviour
from tests.serving.faults.night import Conducted, Night, git

A_WHILE = {"min_samples": 200}
"""So many that a test can do something within a step."""


def mid_step(conducted: Conducted) -> Pass:
    """A look that found requests, and not enough of them."""
    return conducted.until(
        lambda done: isinstance(done.action, Wait) and bool(done.weighed and done.weighed.judgement.candidate_requests),
        "a look within the step",
    )


def writes(conducted: Conducted) -> list[Pass]:
    return [done for done in conducted.passes if isinstance(done.action, Write)]


def test_a_person_edits_the_weight_within_a_step(night: Night) -> None:
    version = night.begin(step=A_WHILE)
    with night.loaded() as load, night.conducted() as conducted:
        mid_step(conducted)
        night.edit(lambda fields: fields["candidate"].update(weight=50), "to 50 %, by hand")
        edited = history(night.release_path)[0].when
        conducted.until(lambda done: done.served.weights.get(version) == 50, "the edit in force")
        assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()
    conducted.assert_split_as_asked()
    assert night.verbs() == ["canary", "by hand", "advance"], "the step that the person took is not taken again"
    proof = night.read().versions[version].proven[-1].evidence
    evidence = next(done.weighed for done in conducted.passes if done.weighed and done.weighed.file.digest == proof)
    assert evidence.evidence.step_start >= edited
    assert evidence.step.weight == 50
    assert read_evidence(night.release_path, proof).text == evidence.file.text


def test_another_version_appears_within_a_trial(night: Night) -> None:
    stable, version = night.stable, night.begin(step=A_WHILE)
    with night.loaded() as load, night.conducted() as conducted:
        mid_step(conducted)
        other = night.add_next()
        with pytest.raises(UserError, match=f"one at a time, {version} is on trial"):
            night.do(lambda release: canary(release, version=other, weight=10))
        assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()
    conducted.assert_split_as_asked()
    assert set(load.by_version) == {stable, version}
    assert night.weights() == {version: 100}


def test_two_conductors_never_work_on_one_file(night: Night) -> None:
    version = night.begin()
    with night.loaded() as load, night.conducted() as conducted:
        conducted.until(lambda done: version in done.served.weights, "the first step in force")
        with pytest.raises(UserError, match=r"another conductor is at work on this release file \(process \d+\)"):
            night.conductor().run()
        assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()
    assert night.verbs() == ["canary", "advance", "advance"]
    with night.conducted() as after:
        assert after.end().outcome is Outcome.PROMOTED, "the lock went with its process, and nothing is done twice"
    assert night.verbs() == ["canary", "advance", "advance"]


def test_a_half_written_file_moves_nothing_until_it_is_whole(night: Night) -> None:
    stable, version = night.stable, night.begin()
    with night.loaded() as load:
        first = night.conductor()
        first.once()
        whole = night.release_path.read_text()
        night.release_path.write_text(whole[: len(whole) // 2])
        with night.conducted() as conducted:
            conducted.until(
                lambda done: isinstance(done.action, Wait) and "edits that are not committed" in done.action.reason,
                "a conductor that waits for the edit",
            )
            assert night.weights() == {stable: 80, version: 20}
            night.release_path.write_text(whole)
            assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()
    assert night.verbs() == ["canary", "advance", "advance"]


def test_a_committed_file_that_is_no_yaml_moves_nothing_until_it_is_mended(night: Night) -> None:
    stable, version = night.stable, night.begin(step=A_WHILE)
    with night.loaded() as load, night.conducted() as conducted:
        mid_step(conducted)
        whole = night.release_path.read_text()
        night.release_path.write_text(whole[: whole.index("weight:") + 3])
        git(night.checkout, "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-qam", "half of it")
        conducted.until(lambda done: done.release is None and "not YAML" in done.action.reason, "the alarm")
        assert night.weights() == {stable: 80, version: 20}, "the last good file serves on"
        night.release_path.write_text(whole)
        night.commit("all of it")
        assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()


def test_what_was_rolled_back_is_promoted_by_nobody(night: Night) -> None:
    stable = night.stable
    version = night.begin(Behaviour(fail_share=0.6))
    with night.loaded() as load, night.conducted() as conducted:
        assert conducted.end().outcome is Outcome.ROLLED_BACK
    digest = night.read().versions[version].digest
    with pytest.raises(UserError, match="was rejected"):
        night.do(lambda release: canary(release, version=version, weight=10))
    entry = night.release.versions[version]
    with pytest.raises(UserError, match="was rejected"):
        night.do(
            lambda release: register(
                release, version="again", digest=digest, uri=entry.uri, registered=entry.registered
            )
        )
    good = night.release_path.read_text()
    night.release_path.write_text(
        good.replace("candidate: null", f"candidate: {{version: {version}, digest: '{digest}', weight: 20}}")
    )
    git(night.checkout, "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-qam", "force it")
    done = night.conductor().once()
    assert isinstance(done.action, Wait)
    assert "candidate.digest: was rejected" in done.action.reason
    assert night.weights() == {stable: 100}
    night.release_path.write_text(good)
    night.commit("back")
    again = night.conductor()
    assert not isinstance(again.once().action, End), "it follows first"
    ended = again.once().action
    assert isinstance(ended, End)
    assert ended.outcome is Outcome.ROLLED_BACK
    assert set(load.lost_by_version) == {version}
