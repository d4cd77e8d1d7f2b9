"""A shadow gets copies, both answers are compared, and no caller ever notices."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from serving.release_verbs import register
from serving.twin.run import twin_status
from serving.twin.status import ComparisonStatus
from tests.serving.fake_repository import Behaviour, request_body, write_repository
from tests.serving.stage import INFER, Stage
from tests.serving.twin.test_arms import statistics, within_binomial
from tests.serving.waiting import wait_for


def comparison(stage: Stage) -> ComparisonStatus:
    found = twin_status(stage.folder).comparison
    assert found is not None
    return found


def add_twin_of(stage: Stage, version: str, behaviour: Behaviour) -> str:
    """A version that scores as `version` does, and is another digest by its behaviour."""
    told = json.loads((stage.root / version / "churn/1/behaviour.json").read_text())
    name = f"v{len(stage.release.versions) + 1}"
    same = Behaviour(bias=told["bias"], fail_share=behaviour.fail_share, sleep_ms=behaviour.sleep_ms)
    artifact = write_repository(stage.root / name, same)
    stage.do(partial(register, version=name, digest=artifact.digest, uri=name, registered=datetime.now(UTC)))
    return name


def counted(stage: Stage, version: str, name: str) -> int:
    return statistics(stage, rf"^cluster\.{version}\.{name}$")[f"cluster.{version}.{name}"]


def ask_until(stage: Stage, enough: Any, what: str) -> list[httpx.Response]:
    answers: list[httpx.Response] = []
    with stage.http() as http:

        def asked() -> bool:
            answers.append(http.post(INFER, content=request_body()))
            return bool(enough())

        wait_for(asked, what=what)
    return answers


def pairs(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_a_shadow_that_scores_alike_agrees_and_serves_nobody(stage: Stage) -> None:
    shadow = add_twin_of(stage, stage.stable, Behaviour(sleep_ms=1))
    status = stage.shadow(shadow)
    assert status.release == f"{stage.stable} 100 %, {shadow} gets copies of 100 %"
    answers = ask_until(stage, lambda: comparison(stage).agreed >= 5, "five pairs that agree")
    assert {(answer.status_code, answer.headers["x-stillhouse-version"]) for answer in answers} == {(200, stage.stable)}
    found = comparison(stage)
    assert (found.disagreed, found.shadow_failed, found.stable_failed) == (0, 0, 0)
    assert stage.version(shadow).weight == 0
    wait_for(lambda: stage.version(shadow).requests > 0, what="copies in the shadow's own counts")
    assert stage.version(shadow).errors == 0


def test_a_shadow_that_scores_otherwise_disagrees_and_every_pair_names_its_request(stage: Stage) -> None:
    shadow = stage.add_next()
    stage.shadow(shadow)
    ask_until(stage, lambda: comparison(stage).disagreed >= 3, "three pairs that disagree")
    found = comparison(stage)
    assert (found.agreed, found.stable, found.shadow) == (0, stage.stable, shadow)
    entry = pairs(found.path)[0]
    bias = json.loads((stage.root / shadow / "churn/1/behaviour.json").read_text())["bias"]
    assert entry["outcome"] == "disagreed"
    assert entry["shadow"]["score"] == entry["stable"]["score"] + bias
    log = stage.folder / "logs/access.jsonl"
    wait_for(lambda: entry["request_id"] in log.read_text(), what="the same request in the access log")


def test_prometheus_counts_the_pairs(stage: Stage) -> None:
    shadow = stage.add_next()
    status = stage.shadow(shadow)
    ask_until(stage, lambda: comparison(stage).disagreed >= 1, "a pair")
    query = f'stillhouse_pairs_total{{shadow="{shadow}", outcome="disagreed", model_endpoint="churn"}}'

    def counted() -> bool:
        answer = httpx.get(f"{status.prometheus_url}/api/v1/query", params={"query": query}, trust_env=False)
        result = answer.json()["data"]["result"]
        return bool(result) and float(result[0]["value"][1]) >= 1

    wait_for(counted, what="the pair in Prometheus")


def test_a_failing_slow_shadow_touches_no_caller(stage: Stage) -> None:
    shadow = add_twin_of(stage, stage.stable, Behaviour(fail_share=1.0, sleep_ms=300))
    stage.shadow(shadow)
    load = stage.load(rate_per_s=40)
    wait_for(lambda: comparison(stage).shadow_failed >= 2, what="pairs of which the shadow failed")
    wait_for(lambda: load.progress()[0] >= 100, what="a hundred answers")
    summary = load.stop().summary()
    assert (summary.failures, set(summary.requests_by_version)) == (0, {stage.stable})
    assert stage.version(shadow).errors > 0
    found = comparison(stage)
    assert (found.agreed, found.disagreed, found.stable_failed) == (0, 0, 0)


def test_the_share_of_copies_follows_the_file_and_ends_with_it(stage: Stage) -> None:
    shadow = stage.add_next()
    stage.shadow(shadow, 30)
    stage.served_by(400)
    wait_for(lambda: counted(stage, shadow, "upstream_rq_active") == 0, what="the last copy")
    copies = counted(stage, shadow, "upstream_rq_completed")
    assert within_binomial(copies, 400, 0.3), copies
    stage.clear()
    assert twin_status(stage.folder).comparison is None
    assert stage.release.shadow is None
    assert stage.served_by(20) == {stage.stable: 20}
