"""What a look finds on a real twin under load, beside what the load generator itself counted."""

import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.judge.contradictions import contradiction
from serving.judge.evidence import Arm, Evidence, Outcome, SeriesState, Signal, Version, Window
from serving.judge.plan import Step
from serving.load_result import LoadResult
from serving.prometheus import Prometheus
from serving.signals.gather import Look, gather, outcome_of
from serving.signals.no_answer import NoData
from serving.signals.queries import counted_requests, gateway_uptime, model_scrapes
from serving.signals.targets import TwinTarget
from serving.twin.run import twin_status
from tests.serving.fake_repository import Behaviour
from tests.serving.stage import Stage
from tests.serving.stopped import stopped
from tests.serving.waiting import wait_for

TARGET = TwinTarget(endpoint="churn")
RATE_PER_S = 100
HALF = 50
STABLE_DIGEST, CANDIDATE_DIGEST = f"sha256:{1:064x}", f"sha256:{2:064x}"


class Watch:
    """Looks at a twin as a conductor does."""

    def __init__(self, stage: Stage, candidate: str, *, timeout_s: float = 10.0) -> None:
        assert stage.status is not None
        self.stage = stage
        self.prometheus = Prometheus(url=stage.status.prometheus_url, timeout_s=timeout_s)
        self.reasons: Mapping[str, str] = {}
        now = datetime.now(UTC)
        self.evidence = Evidence(
            endpoint="churn",
            stable=Version(version=stage.stable, digest=STABLE_DIGEST, ready=now),
            candidate=Version(version=candidate, digest=CANDIDATE_DIGEST, ready=now),
            step_start=now,
            gathered=now,
        )

    def look(self, **changed: Any) -> Look:
        """Look now, and do not keep it."""
        told: dict[str, Any] = {"asked_percent": HALF, "warm_up_s": 0, "now": datetime.now(UTC)} | changed
        return gather(self.prometheus, TARGET, self.evidence, **told)

    def keep(self, look: Look) -> Window:
        """Go on from a look."""
        self.evidence, self.reasons = look.evidence, look.reasons
        return look.evidence.windows[-1]

    def scraped_since(self, moment: datetime) -> bool:
        """Whether the gateway was scraped after the moment."""
        series = self.prometheus.series(gateway_uptime(TARGET, 5), at_s=datetime.now(UTC).timestamp())
        return isinstance(series, tuple) and series[0].times_s[-1] > moment.timestamp()

    def wait_for_scrape(self) -> None:
        """Of whatever happened until now."""
        moment = datetime.now(UTC)
        wait_for(lambda: self.scraped_since(moment), what="a scrape of the gateway")

    def wait_for_look(self, condition: Callable[[Window], bool], what: str) -> Window:
        """The first window for which the condition holds."""
        found: list[Look] = []

        def holds() -> bool:
            found.append(self.look())
            return condition(found[-1].evidence.windows[-1])

        wait_for(holds, what=what)
        return self.keep(found[-1])


def on_trial(stage: Stage, behaviour: Behaviour | None = None, weight: int = HALF) -> Watch:
    """A candidate that is scraped, and a gateway that was scraped since the candidate has traffic."""
    version = stage.add_next(behaviour)
    stage.canary(version, weight)
    watch = Watch(stage, version)
    text = model_scrapes(TARGET, version, 5)
    wait_for(
        lambda: isinstance(watch.prometheus.series(text, at_s=datetime.now(UTC).timestamp()), tuple),
        what="a scrape of the candidate",
    )
    watch.wait_for_scrape()
    return watch


def send(stage: Stage, requests: int) -> LoadResult:
    """So many requests at least."""
    load = stage.load(RATE_PER_S)
    wait_for(lambda: load.progress()[0] >= requests, within_s=60, what=f"{requests} answers")
    return load.stop()


def state(arm: Arm) -> SeriesState:
    return arm.state(Signal.REQUESTS)


def requests(window: Window) -> int:
    return window.stable.requests + window.candidate.requests


def test_the_gateways_counts_are_the_callers_counts(stage: Stage) -> None:
    watch = on_trial(stage, Behaviour(fail_share=0.1, sleep_ms=5))
    result = send(stage, 600)

    def is_whole(window: Window) -> bool:
        """Envoy adds to its histograms once a second, and to its counters at once; models are scraped in between."""
        arms = (window.stable, window.candidate)
        measured = sum(arm.latency_ms.total for arm in arms if arm.latency_ms is not None)
        scored = sum(arm.scores.total for arm in arms if arm.scores is not None)
        return requests(window) == measured == len(result.status) and scored == int((result.status == 200).sum())

    window = watch.wait_for_look(is_whole, what="every request counted and measured")
    for version, arm in ((stage.stable, window.stable), (watch.evidence.candidate.version, window.candidate)):
        told = result.of_version(version)
        assert arm.count(Outcome.OK) == int((told.status == 200).sum())
        assert arm.count(Outcome.SERVER_ERROR) == int((told.status == 500).sum())
        assert arm.requests == len(told.status) > 200
        assert arm.states == {}
        assert arm.latency_ms is not None
        assert arm.latency_ms.total == arm.requests
        assert arm.scores is not None
        assert arm.scores.total == arm.count(Outcome.OK)
    assert window.candidate.count(Outcome.SERVER_ERROR) > 0
    bias = len(stage.release.versions) - 1
    assert window.candidate.scores is not None
    below_bias = [
        n for n, bound in zip(window.candidate.scores.cumulative, (1, 2, 4, 8, 16), strict=False) if bound <= bias
    ]
    assert set(below_bias) <= {0}, "the fake's scores are its bias and a little more"
    slow, fast = window.candidate.latency_ms, window.stable.latency_ms
    assert slow is not None
    assert fast is not None
    assert slow.upper_bounds == fast.upper_bounds
    below = slow.upper_bounds.index(4.0)
    assert slow.cumulative[below] == 0, "the candidate sleeps 5 ms"
    assert fast.cumulative[below] > 0


def test_looks_one_after_the_other_count_every_request_once(stage: Stage) -> None:
    watch = on_trial(stage)
    load = stage.load(RATE_PER_S)
    for seen in (150, 300, 450):
        wait_for(lambda seen=seen: load.progress()[0] >= seen, what=f"{seen} answers")  # type: ignore[misc]
        watch.wait_for_look(lambda window: state(window.stable) is SeriesState.PRESENT, what="a look")
    result = load.stop()

    def total() -> int:
        return sum(requests(window) for window in watch.look().evidence.windows)

    wait_for(lambda: total() == len(result.status), what="every request counted once")
    evidence = watch.look().evidence
    assert contradiction(evidence, Step(weight=HALF)) == ""
    windows = evidence.windows
    assert [window.start for window in windows[1:]] == [window.end for window in windows[:-1]]


def test_an_arm_that_nobody_asked_is_missing_and_not_zero(stage: Stage) -> None:
    watch = on_trial(stage, weight=1)
    candidate = watch.evidence.candidate.version
    text = counted_requests(TARGET, candidate, 60)
    assert isinstance(watch.prometheus.series(text, at_s=datetime.now(UTC).timestamp()), NoData)
    window = watch.wait_for_look(
        lambda window: state(window.candidate) is not SeriesState.TOO_SHORT, what="two scrapes"
    )
    assert state(window.candidate) is SeriesState.MISSING
    assert state(window.stable) in (SeriesState.PRESENT, SeriesState.MISSING), (
        "whoever ran before may have had requests"
    )
    assert "no data" in watch.reasons["requests.candidate"]


def test_an_arm_that_is_quiet_for_once_has_no_requests(stage: Stage) -> None:
    watch = on_trial(stage)
    result = send(stage, 100)
    watch.wait_for_look(lambda window: requests(window) == len(result.status), what="every request counted")
    quiet = watch.wait_for_look(lambda window: window.candidate.states == {}, what="two scrapes more of everybody")
    assert (quiet.stable.requests, quiet.candidate.requests) == (0, 0)
    assert quiet.candidate.scores is not None
    assert quiet.candidate.scores.total == 0


def test_a_prometheus_that_does_not_answer_is_named_and_nothing_is_lost(stage: Stage) -> None:
    watch = on_trial(stage)
    pid = twin_status(stage.folder).prometheus.pid
    assert pid is not None
    first = send(stage, 100)
    with stopped(pid):
        second = send(stage, 100)
        watch.prometheus = Prometheus(url=watch.prometheus.url, timeout_s=0.5)
        blind = watch.look()
    unread = watch.keep(blind)
    assert state(unread.stable) is state(unread.candidate) is SeriesState.MISSING
    assert requests(unread) == 0
    assert "unreachable" in blind.reasons["requests.stable"]
    both = len(first.status) + len(second.status)
    watch.wait_for_look(lambda window: requests(window) == both, what="what was sent meanwhile, too")
    assert len(watch.evidence.windows) == 1


def test_a_restarted_gateway_is_named_and_the_next_window_is_good(stage: Stage) -> None:
    watch = on_trial(stage)
    result = send(stage, 100)
    wait_for(lambda: requests(watch.look().evidence.windows[-1]) == len(result.status), what="every request counted")
    before = twin_status(stage.folder).envoy
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    wait_for(lambda: twin_status(stage.folder).envoy.restarts == before.restarts + 1, what="Envoy's restart")
    after = send(stage, 100)
    assert "began anew 1 time" in watch.look().reasons["requests.stable"]
    reset = watch.wait_for_look(
        lambda window: requests(window) == len(result.status) + len(after.status), what="both lives counted"
    )
    assert state(reset.stable) is state(reset.candidate) is SeriesState.RESET
    more = send(stage, 100)
    good = watch.wait_for_look(lambda window: requests(window) == len(more.status), what="a window after it")
    assert state(good.stable) is state(good.candidate) is SeriesState.PRESENT
    assert len(watch.evidence.windows) == 2


def test_a_restarted_model_says_nothing_about_its_scores_and_the_gateway_counts_on(stage: Stage) -> None:
    watch = on_trial(stage)
    candidate = watch.evidence.candidate.version
    wait_for(lambda: watch.look().evidence.windows[-1].candidate.scores is not None, what="two scrapes of the model")
    first = send(stage, 100)
    asked = len(first.of_version(candidate).status)
    wait_for(
        lambda: (scores := watch.look().evidence.windows[-1].candidate.scores) is not None and scores.total == asked,
        what="every score counted",
    )
    restarts = stage.version(candidate).process.restarts
    os.kill(stage.pid(candidate), signal.SIGKILL)
    wait_for(lambda: stage.version(candidate).process.restarts > restarts, what="the model's restart")

    def is_reset(window: Window) -> bool:
        return window.candidate.state(Signal.SCORES) is SeriesState.RESET

    window = watch.wait_for_look(is_reset, what="the model's counters, which began anew")
    assert "began anew" in watch.reasons["scores.candidate"]
    assert window.stable.state(Signal.SCORES) is SeriesState.PRESENT
    assert state(window.candidate) is SeriesState.PRESENT
    assert requests(window) == len(first.status)


def test_a_gateway_that_is_scraped_no_more_is_stale(stage: Stage) -> None:
    watch = on_trial(stage)
    pid = twin_status(stage.folder).envoy.pid
    assert pid is not None
    with stopped(pid):
        stale = watch.wait_for_look(lambda window: state(window.stable) is SeriesState.STALE, what="stale samples")
    assert state(stale.candidate) is SeriesState.STALE
    assert requests(stale) == 0


def test_the_warm_up_of_both_is_left_out(stage: Stage) -> None:
    watch = on_trial(stage)
    early = watch.look(warm_up_s=1000)
    assert state(early.evidence.windows[-1].stable) is SeriesState.WARM_UP
    assert "the warm-up of both versions ends at" in early.reasons["latency.candidate"]
    send(stage, 100)
    warm_s = (datetime.now(UTC) - watch.evidence.candidate.ready).total_seconds()
    watch.wait_for_scrape()
    late = send(stage, 100)
    found: list[Window] = []

    def only_the_late() -> bool:
        found.append(watch.look(warm_up_s=warm_s).evidence.windows[-1])
        return requests(found[-1]) == len(late.status)

    wait_for(only_the_late, what="what came after the warm-up, alone")
    assert found[-1].start >= watch.evidence.candidate.ready + timedelta(seconds=warm_s)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("200", Outcome.OK),
        ("304", Outcome.OK),
        ("0", Outcome.CLIENT_ERROR),
        ("400", Outcome.CLIENT_ERROR),
        ("429", Outcome.CLIENT_ERROR),
        ("500", Outcome.SERVER_ERROR),
        ("502", Outcome.SERVER_ERROR),
        ("503", Outcome.UNAVAILABLE),
        ("504", Outcome.TIMEOUT),
    ],
)
def test_an_answer_counts_as_its_caller_saw_it(code: str, outcome: Outcome) -> None:
    assert outcome_of(code) is outcome
