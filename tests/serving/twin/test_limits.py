"""Too much, or nobody to answer: refused at once, taken out, and a marked default instead."""

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from serving.client import PredictionClient
from serving.twin.run import twin_status
from tests.serving.fake_repository import Behaviour, contract, request_body
from tests.serving.stage import INFER, Stage, standing
from tests.serving.stopped import stopped
from tests.serving.test_client import VALUES
from tests.serving.twin.test_arms import statistics
from tests.serving.waiting import wait_for

FALLBACK = "x-stillhouse-fallback"
DEFAULT = 0.125


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A twin that takes little, and answers a default where a version cannot."""
    limits = {"max_requests_per_s": 150, "max_requests_at_once": 8, "request_timeout_s": 1, "receive_timeout_s": 2}
    settings = {**limits, "fallback_score": DEFAULT}
    with standing(Stage(root=tmp_path_factory.mktemp("narrow"), settings=settings)) as stage:
        yield stage


@pytest.fixture
def limited(narrow: Stage) -> Iterator[Stage]:
    yield narrow
    narrow.clear()
    with narrow.http() as http:
        wait_for(lambda: is_answer(http.post(INFER, content=request_body())), what="an answer of the stable version")


def is_answer(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and FALLBACK not in answer.headers


def asked_at_once(
    stage: Stage, count: int, threads: int, token: str | None = None, **headers: str
) -> list[httpx.Response]:
    with stage.http(token) as http, ThreadPoolExecutor(threads) as pool:
        due = [pool.submit(http.post, INFER, content=request_body(), headers=headers) for _ in range(count)]
        return [one.result() for one in due]


def counted(stage: Stage, version: str, name: str) -> int:
    whole = f"cluster.{version}.{name}"
    return statistics(stage, f"^{re.escape(whole)}$")[whole]


def test_more_than_the_rate_is_429_and_says_when_to_come_back(limited: Stage) -> None:
    answers: list[httpx.Response] = []

    def refused() -> bool:
        answers.extend(asked_at_once(limited, 200, threads=8))
        return any(answer.status_code == 429 for answer in answers)

    wait_for(refused, what="a refusal")
    assert {answer.status_code for answer in answers} == {200, 429}
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert refusal.headers["retry-after"] == "1"
    assert "rate" in refusal.json()["error"]
    assert FALLBACK not in refusal.headers


def test_more_than_a_version_can_take_at_once_is_answered_without_waiting(limited: Stage) -> None:
    slow = limited.add_next(Behaviour(sleep_ms=600))
    limited.canary(slow, 99)
    answers: list[httpx.Response] = []

    def within_the_rate() -> bool:
        answers[:] = asked_at_once(limited, 60, threads=60)
        return all(answer.status_code != 429 for answer in answers)

    wait_for(within_the_rate, what="room in the rate")
    assert {answer.status_code for answer in answers} == {200}
    shed = [answer for answer in answers if FALLBACK in answer.headers]
    assert 0 < len(shed) < len(answers)
    overflow = counted(limited, slow, "upstream_rq_active_overflow")
    assert overflow > 0
    # Callers got a default; the version's own counts say what happened.
    assert counted(limited, slow, "upstream_rq_503") >= overflow


def test_a_killed_version_costs_no_caller_an_error_and_its_own_counts_tell(limited: Stage) -> None:
    stable, candidate = limited.stable, limited.add_next()
    limited.canary(candidate, 50)
    load = limited.load(rate_per_s=60)
    wait_for(lambda: load.progress()[0] >= 30, what="traffic")
    os.kill(limited.pid(candidate), signal.SIGKILL)
    wait_for(lambda: limited.version(candidate).process.restarts == 1, what="the restart")
    wait_for(lambda: limited.version(candidate).process.health == "ready", what="its health")
    summary = load.stop().summary()
    assert summary.failures_by_status == {}, summary.errors
    assert set(summary.requests_by_version) >= {stable, candidate}
    assert counted(limited, candidate, "upstream_rq_503") > 0
    assert counted(limited, stable, "upstream_rq_completed") > 0


def test_a_hanging_version_is_taken_out_so_that_its_callers_wait_no_more(limited: Stage) -> None:
    candidate = limited.add_next()
    limited.canary(candidate, 99)
    with stopped(limited.pid(candidate)), limited.http() as http:
        late = asked_at_once(limited, 8, threads=8)
        assert any(FALLBACK in answer.headers for answer in late)
        wait_for(
            lambda: (
                FALLBACK in http.post(INFER, content=request_body()).headers
                and counted(limited, candidate, "outlier_detection.ejections_enforced_total") > 0
            ),
            what="the ejection",
        )
        quick: list[httpx.Response] = []

        def none_of_five_waits() -> bool:
            waited = counted(limited, candidate, "upstream_rq_timeout")
            quick[:] = [http.post(INFER, content=request_body()) for _ in range(5)]
            return counted(limited, candidate, "upstream_rq_timeout") == waited

        wait_for(none_of_five_waits, what="five answers without one more timeout")
        assert any(FALLBACK in answer.headers for answer in quick)
        assert limited.version(candidate).process.health == "unready"
    with limited.http() as http:
        wait_for(lambda: from_version(http.post(INFER, content=request_body()), candidate), what="its way back")


def from_version(answer: httpx.Response, version: str) -> bool:
    return is_answer(answer) and answer.headers["x-stillhouse-version"] == version


def test_a_models_own_errors_are_not_hidden_and_take_nobody_out(limited: Stage) -> None:
    failing = limited.add_next(Behaviour(fail_share=1.0))
    limited.canary(failing, 99)
    answers = asked_at_once(limited, 30, threads=2)
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[500] >= 20
    assert not any(FALLBACK in answer.headers for answer in answers)
    assert counted(limited, failing, "outlier_detection.ejections_enforced_total") == 0


def test_the_fallback_is_marked_for_the_client_and_only_given_to_whom_may_ask(limited: Stage) -> None:
    assert limited.status is not None
    with stopped(limited.pid(limited.stable)):
        token, ca = limited.issuer.mint(), Path(limited.status.ca_path)
        with PredictionClient(limited.status.url, token, ca, contract(), timeout_s=60) as client:
            prediction = client.predict(VALUES)
        assert (prediction.score, prediction.is_fallback, prediction.embedding_time_ns) == (DEFAULT, True, None)
        (answer,) = asked_at_once(limited, 1, threads=1)
        assert answer.headers[FALLBACK] == answer.json()["parameters"]["fallback"] == "default"
        with limited.http("garbage") as http:
            assert http.post(INFER, content=request_body()).status_code == 401
        with limited.http() as http:
            assert http.get("/v2/models/churn/ready").status_code in (503, 504)
    assert psutil.Process(limited.pid(limited.stable)).is_running()


def test_without_a_default_the_refusal_stays_what_it_is(stage: Stage) -> None:
    candidate = stage.add_next()
    stage.canary(candidate, 99)
    os.kill(stage.pid(candidate), signal.SIGKILL)
    with stage.http() as http:
        wait_for(lambda: http.post(INFER, content=request_body()).status_code == 503, what="a refusal")
        wait_for(lambda: twin_status(stage.folder).versions[-1].process.restarts == 1, what="the restart")
        wait_for(lambda: from_version(http.post(INFER, content=request_body()), candidate), what="its way back")
