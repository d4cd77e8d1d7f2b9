"""Who gets which version on the real gateway: by entity, by a rule's header, by a tester's choice."""

import os
import signal
from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from scipy.stats import binom

from serving.client import entity_value
from serving.release_match import ENTITY_HEADER, ByEntity, ByHeader
from serving.twin.run import twin_status
from tests.serving.fake_repository import request_body
from tests.serving.stage import INFER, Stage
from tests.serving.waiting import wait_for

VERSION = "x-stillhouse-version"
CHANCE_OF_A_FALSE_ALARM = 1e-6


def ask(http: httpx.Client, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http.post(INFER, content=request_body(), headers=named)


def version_of(http: httpx.Client, **headers: str) -> str:
    answer = ask(http, **headers)
    assert answer.status_code == 200, answer.text
    return answer.headers[VERSION]


def arms_of(http: httpx.Client, entities: Iterable[int]) -> dict[int, str]:
    return {entity: version_of(http, **{ENTITY_HEADER: entity_value(entity)}) for entity in entities}


def within_binomial(count: int, total: int, share: float) -> bool:
    low, high = binom.interval(1 - CHANCE_OF_A_FALSE_ALARM, total, share)
    return bool(low <= count <= high)


def by_entity(salt: str) -> ByEntity:
    return ByEntity(kind="entity", salt=salt)


def test_an_entity_stays_in_its_arm_over_requests_connections_and_restarts(stage: Stage) -> None:
    candidate = stage.add_next()
    stage.compare(candidate, by_entity("spring"), weight=30)
    with stage.http() as http:
        first = arms_of(http, range(1000))
    count = Counter(first.values())[candidate]
    assert within_binomial(count, 1000, 0.3), count
    envoy = twin_status(stage.folder).envoy
    assert envoy.pid is not None
    os.kill(envoy.pid, signal.SIGKILL)
    wait_for(lambda: twin_status(stage.folder).envoy.restarts == envoy.restarts + 1, what="Envoy's restart")
    with stage.http() as http:
        assert arms_of(http, range(100)) == {entity: first[entity] for entity in range(100)}


def test_a_larger_share_moves_entities_one_way_and_another_salt_draws_anew(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    arms: list[dict[int, str]] = []
    with stage.http() as http:
        for weight in (20, 60):
            stage.compare(candidate, by_entity("one"), weight=weight)
            arms.append(arms_of(http, range(300)))
        moved = Counter((arms[0][entity], arms[1][entity]) for entity in range(300))
        assert moved[(candidate, stable)] == 0
        assert moved[(stable, candidate)] > 0
        stage.compare(candidate, by_entity("two"), weight=60)
        anew = arms_of(http, range(300))
    # Independent of the first draw: both in the candidate with 0.6 * 0.6.
    both = sum(arms[1][entity] == anew[entity] == candidate for entity in range(300))
    assert within_binomial(both, 300, 0.36), both


def test_without_an_entity_the_stable_version_answers_and_neither_arm_counts_it(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    stage.compare(candidate, by_entity("spring"), weight=50)
    before = by_chance(stage, stable, candidate)
    with stage.http() as http:
        assert {version_of(http) for _ in range(30)} == {stable}
    assert by_chance(stage, stable, candidate) == before


def test_a_rule_on_a_header_chooses_and_one_with_a_role_asks_for_it(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    beta = ByHeader(kind="header", header="x-plan", value="beta")
    team = ByHeader(kind="header", header="x-team", value="qa", role="quality")
    stage.compare(candidate, beta, team, weight=0)
    before = by_chance(stage, stable, candidate)
    with stage.http() as http:
        assert {version_of(http, x_plan="beta") for _ in range(10)} == {candidate}
        assert {version_of(http, x_plan=value) for value in ("betas", "Beta", "")} == {stable}
        assert version_of(http, x_team="qa") == stable
    with stage.http(stage.issuer.mint(roles=["predict", "quality"])) as http:
        assert version_of(http, x_team="qa") == candidate
        assert version_of(http) == stable
    after = by_chance(stage, stable, candidate)
    assert {name: after[name] - before[name] for name in after} == {stable: 5, candidate: 0}


def test_a_tester_chooses_any_version_that_runs_and_nobody_else_does(stage: Stage) -> None:
    stable, candidate = stage.stable, stage.add_next()
    stage.canary(candidate, 1)
    before = by_chance(stage, stable, candidate)
    with stage.http(stage.issuer.mint(roles=["tester"])) as http:
        assert {version_of(http, x_stillhouse_arm=candidate) for _ in range(20)} == {candidate}
        assert {version_of(http, x_stillhouse_arm=stable) for _ in range(20)} == {stable}
        unknown = ask(http, x_stillhouse_arm="v999")
        assert (unknown.status_code, unknown.headers.get(VERSION)) == (404, None)
        assert unknown.json()["error"].startswith("no such version runs; x-stillhouse-arm may be:")
    with stage.http() as http:
        assert ask(http, x_stillhouse_arm=candidate).status_code == 403
        assert ask(http, x_stillhouse_arm="").status_code == 403
        assert http.get("/v2/models/churn", headers={"x-stillhouse-arm": candidate}).status_code == 403
    assert by_chance(stage, stable, candidate) == before


def test_what_callers_say_about_themselves_or_for_the_gateway_goes_no_further(stage: Stage) -> None:
    """A timeout of a millisecond, were it obeyed, would end every request."""
    forged = {
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-max-retries": "50",
        "x-envoy-retry-on": "5xx",
        "x-envoy-upstream-alt-stat-name": "other",
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "elsewhere",
        "x-stillhouse-fallback": "mine",
        "x-stillhouse-version": "mine",
    }
    with stage.http() as http:
        answers = [http.post(INFER, content=request_body(), headers=forged) for _ in range(20)]
    assert {(answer.status_code, answer.headers[VERSION]) for answer in answers} == {(200, stage.stable)}
    assert not any("x-stillhouse-fallback" in answer.headers for answer in answers)
    assert not statistics(stage, r"other\.")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"not json", b"\xff\xfe", b"[1, 2", b"null", b"5", b'{"inputs": []}'],
)
def test_a_body_that_is_no_request_is_the_callers_mistake_and_no_version_answers_for_it(
    stage: Stage, body: bytes
) -> None:
    before = errors(stage)
    with stage.http() as http:
        answer = http.post(INFER, content=body)
        again = http.post(INFER, content=body, headers={"content-type": "text/plain"})
    assert (answer.status_code, again.status_code) == (400, 400), answer.text
    assert answer.json()["error"]
    assert errors(stage) == before


def by_chance(stage: Stage, *versions: str) -> dict[str, int]:
    """Version -> requests that chance (or the entity's hash) sent to it, as a verdict counts them."""
    found = statistics(stage, r"^cluster\.v[0-9]+\.upstream_rq_completed$")
    return {version: found[f"cluster.{version}.upstream_rq_completed"] for version in versions}


def errors(stage: Stage) -> int:
    name = rf"cluster\.{stage.stable}(_chosen)?\.upstream_rq_5xx"
    return sum(statistics(stage, f"^{name}$").values())


def statistics(stage: Stage, pattern: str) -> dict[str, int]:
    url = f"{twin_status(stage.folder).admin_url}/stats"
    answer = httpx.get(url, params={"format": "json", "filter": pattern}, trust_env=False)
    found: list[dict[str, Any]] = answer.json()["stats"]
    return {entry["name"]: entry["value"] for entry in found if "value" in entry}
