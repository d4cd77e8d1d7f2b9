"""The promises of a change: nothing is lost, a bad candidate moves nothing, a crash is seen, named and mended."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from model.errors import UserError
from serving.twin.run import twin_reconcile, twin_refresh, twin_status
from tests.serving.fake_repository import CRASHING_PRICE, Behaviour, request_body, write_embeddings
from tests.serving.stage import INFER, Stage
from tests.serving.waiting import is_gone, wait_for


def test_no_request_is_lost_while_weights_and_versions_change(stage: Stage) -> None:
    """0 -> 10 -> 50 -> 100 %, then another candidate to 30 % and back to 0, under load all the time."""
    first, second = stage.stable, stage.add_next()
    old = stage.pid(first)
    runner = stage.load(rate_per_s=300)
    stage.canary(second, 10)
    wait_for(lambda: stage.version(second).requests >= 20, what="traffic at 10 %")
    stage.ramp(50)
    begin = stage.version(second).requests
    wait_for(lambda: stage.version(second).requests >= begin + 100, what="traffic at 50 %")
    stage.promote(second)
    assert stage.pid(first) == old, "what was stable is kept until the promotion is confirmed"
    third = stage.add_next()
    stage.canary(third, 30)
    wait_for(lambda: stage.version(third).requests >= 50, what="traffic of the third version")
    rolled_back = stage.pid(third)
    stage.rollback()
    stage.confirm()
    wait_for(lambda: is_gone(old), what="the end of the first version")
    wait_for(lambda: is_gone(rolled_back), what="the end of the third version")
    result = runner.stop()
    summary = result.summary()
    assert summary.failures == 0, (summary.failures_by_status, summary.errors)
    assert summary.requests > 1000
    assert set(summary.requests_by_version) == {first, second, third}
    last = result.between(float(result.planned_s[-1]) - 0.5, float("inf")).summary()
    assert set(last.requests_by_version) == {second}


def test_the_share_follows_the_weight(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    stage.canary(candidate, 20)
    shares = stage.served_by(500)
    # Binomial(500, 0.2): six standard deviations on both sides.
    assert 46 < shares[candidate] < 154
    stage.rollback()
    assert stage.served_by(100) == {stable: 100}


def test_a_candidate_that_cannot_come_up_gets_no_traffic(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next(Behaviour(load_error=True))
    with pytest.raises(UserError, match=rf"(?s)triton-{candidate} did not come up.*told not to load"):
        stage.canary(candidate, 50)
    status = twin_status(stage.folder)
    assert status.release == f"{stable} 100 %"
    assert status.last_error is not None
    assert f"triton-{candidate}" in status.last_error
    assert candidate not in [version.version for version in status.versions]
    assert stage.served_by(30) == {stable: 30}
    assert stage.rollback().last_error is None


def test_a_repository_that_changed_after_its_registration_is_refused(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    (stage.root / candidate / "churn/1/behaviour.json").write_text("{}")
    with pytest.raises(UserError, match=r"the files of .* have changed"):
        stage.canary(candidate, 10)
    assert stage.served_by(10) == {stable: 10}


def test_a_malformed_release_file_changes_nothing(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    stage.canary(candidate, 50)
    good = stage.release_path.read_text()
    stage.release_path.write_text(good.replace("weight: 50", "weight: 500"))
    with pytest.raises(UserError, match=r"candidate.weight: .* \(got 500\)"):
        twin_reconcile(stage.folder)
    status = twin_status(stage.folder)
    assert status.release == f"{stable} 50 %, {candidate} 50 %"
    assert status.last_error is not None
    assert set(stage.served_by(60)) == {stable, candidate}


def test_a_killed_triton_is_named_restarted_and_the_other_serves_on(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    stage.canary(candidate, 50)
    killed, spared = stage.pid(candidate), stage.pid(stable)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: stage.version(candidate).process.restarts == 1, what="the restart")
    process = stage.version(candidate).process
    assert process.last_exit == "killed by SIGKILL"
    assert process.pid not in (None, killed)
    texts = [event.text for event in twin_status(stage.folder).events]
    assert f"triton-{candidate} is down: killed by SIGKILL" in texts
    assert stage.pid(stable) == spared
    wait_for(lambda: stage.version(candidate).process.health == "ready", what="health of the candidate")
    assert set(stage.served_by(60)) == {stable, candidate}


def test_a_model_that_crashes_inside_a_triton_that_runs_on_is_restarted(stage: Stage) -> None:
    """Triton itself would call it ready, and fail every request from then on."""
    candidate = stage.add_next()
    stage.canary(candidate, 99)
    with stage.http() as http:
        deadly = request_body(price=CRASHING_PRICE)
        wait_for(lambda: http.post(INFER, content=deadly).headers["x-stillhouse-version"] == candidate, what="a crash")
    wait_for(lambda: stage.version(candidate).process.restarts == 1, what="the restart")
    last_exit = stage.version(candidate).process.last_exit
    assert last_exit is not None
    assert last_exit.startswith("the model's process")
    wait_for(lambda: stage.version(candidate).process.health == "ready", what="health of the candidate")
    assert candidate in stage.served_by(30)


def test_a_killed_envoy_comes_back_on_the_same_port_with_the_same_weights(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    before = stage.canary(candidate, 50)
    assert before.envoy.pid is not None
    os.kill(before.envoy.pid, signal.SIGKILL)
    wait_for(lambda: twin_status(stage.folder).envoy.restarts == before.envoy.restarts + 1, what="the restart")
    after = twin_status(stage.folder)
    assert (after.url, after.envoy.last_exit) == (before.url, "killed by SIGKILL")
    assert set(stage.served_by(60)) == {stable, candidate}


def test_a_version_without_weight_that_gets_some_again_keeps_its_process(stage: Stage) -> None:
    candidate = stage.add_next()
    stage.canary(candidate, 50)
    pid, again = stage.pid(candidate), stage.release
    stage.rollback()
    assert stage.version(candidate).process.health == "draining"
    stage.release = again
    stage.ramp(60)
    process = stage.version(candidate).process
    assert (process.pid, process.health) == (pid, "ready")


def test_a_rollback_overtakes_a_change_that_takes_long(stage: Stage) -> None:
    """The candidate would load for a minute; the rollback does not wait for it."""
    candidate = stage.add_next(Behaviour(load_s=60))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stage.canary, candidate, 10)
        wait_for(lambda: candidate in [v.version for v in twin_status(stage.folder).versions], what="its start")
        assert stage.version(candidate).process.health == "starting"
        status = stage.rollback()
        with pytest.raises(UserError, match="overtaken by a newer one"):
            slow.result()
    assert candidate not in [version.version for version in status.versions]
    assert status.last_error is None


def test_embeddings_reach_every_version_of_their_deep_model_without_a_restart(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next(base_digest=f"sha256:{8:064x}")
    stage.canary(candidate, 50)
    pids = {name: stage.pid(name) for name in (stable, candidate)}
    runner = stage.load(rate_per_s=200)
    path = write_embeddings(stage.root / "embeddings", cutoff_ns=17 * 10**17)
    assert twin_refresh(stage.folder, path)[0] == stable
    assert runner.stop().summary().failures == 0
    with stage.http() as http:
        answers = [http.post(INFER, content=request_body()) for _ in range(40)]
    cutoffs = {answer.headers["x-stillhouse-version"]: answer.json()["outputs"][1]["data"][0] for answer in answers}
    assert cutoffs == {stable: 17 * 10**17, candidate: 10**18}
    assert {name: stage.pid(name) for name in pids} == pids


def test_embeddings_of_a_deep_model_that_does_not_run_are_refused(stage: Stage) -> None:
    foreign = write_embeddings(stage.root / "foreign", cutoff_ns=10**18, base_digest=f"sha256:{9:064x}")
    with pytest.raises(UserError, match=rf"deep model sha256:0+; running are .*{stage.stable} with sha256:0+"):
        twin_refresh(stage.folder, foreign)
