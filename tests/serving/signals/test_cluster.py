"""The cluster's names, through a real Prometheus: gateways that count as Istio does, and a look at them."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from serving.judge.evidence import Arm, Evidence, Outcome, SeriesState, Signal, Version, Window
from serving.prometheus import Prometheus
from serving.signals.gather import Look, gather
from serving.signals.queries import gateway_uptime
from serving.signals.targets import ClusterTarget
from serving.twin.paths import find_prometheus
from serving.twin.process import free_port
from serving.twin.prometheus_files import prometheus_options
from tests.serving.signals.istio import FakeGateway, scraped_at
from tests.serving.waiting import wait_for

STABLE, CANDIDATE = "churn-v1-1a2b3c4d-5e6f-predictor", "churn-v2-5e6f7a8b-5e6f-predictor"
TARGET = ClusterTarget(
    endpoint="churn", services={"v1": STABLE, "v2": CANDIDATE}, namespace="models", scrape_interval_s=1
)
DIGEST = f"sha256:{0:064x}"


@contextmanager
def running(folder: Path, ports: list[int]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes gateways as a PodMonitor has it done, but more often."""
    groups = [{"targets": [f"127.0.0.1:{port}" for port in ports], "labels": {"namespace": "istio-ingress"}}]
    written = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [{"job_name": "istio-ingress/gateway", "static_configs": groups}],
    }
    config, port = folder / "prometheus.json", free_port()
    config.write_text(json.dumps(written))
    options = prometheus_options(config=config, data=folder / "data", port=port, kept_hours=1)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(find_prometheus()), *options], stdout=log, stderr=log, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _answers(url), what="Prometheus")
        yield Prometheus(url=url)
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


class Mesh:
    """Two gateway pods, and a Prometheus that has scraped both."""

    def __init__(self, prometheus: Prometheus, gateways: list[FakeGateway]) -> None:
        self.prometheus, self.gateways = prometheus, gateways
        self.wait_for_scrapes()
        now = datetime.now(UTC)
        self.evidence = Evidence(
            endpoint="churn",
            stable=Version(version="v1", digest=DIGEST, ready=now),
            candidate=Version(version="v2", digest=DIGEST, ready=now),
            step_start=now,
            gathered=now,
        )
        self.wait_for_scrapes()

    def wait_for_scrapes(self) -> None:
        """Of what was counted until now."""
        moment = time.time()

        def scraped() -> bool:
            series = self.prometheus.series(gateway_uptime(TARGET, 5), at_s=time.time())
            newest = [each.times_s[-1] for each in series] if isinstance(series, tuple) else []
            return len(newest) == len(self.gateways) and min(newest) > moment

        wait_for(scraped, what="a scrape of every gateway")

    def look(self, warm_up_s: float = 0) -> Look:
        return gather(
            self.prometheus, TARGET, self.evidence, asked_percent=10, warm_up_s=warm_up_s, now=datetime.now(UTC)
        )

    def window(self) -> Window:
        """After the next scrapes."""
        self.wait_for_scrapes()
        return self.look().evidence.windows[-1]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    # They have run for long, and counted much before anybody looked.
    gateways = [FakeGateway(began_s=time.time() - 3600) for _ in range(2)]
    gateways[0].answer(STABLE, "200", 20, times=100_000)
    gateways[0].answer(CANDIDATE, "500", 20, times=5_000)
    with ExitStack() as stack:
        ports = [stack.enter_context(scraped_at(gateway)) for gateway in gateways]
        prometheus = stack.enter_context(running(tmp_path_factory.mktemp("prometheus"), ports))
        yield Mesh(prometheus, gateways)


def test_both_gateways_count_by_outcome_and_others_do_not(mesh: Mesh) -> None:
    first, second = mesh.gateways
    for gateway in (first, second):
        gateway.answer(STABLE, "200", 20, times=450)
    first.answer(CANDIDATE, "200", 60, times=90)
    first.answer(CANDIDATE, "0", 60, times=1)
    second.answer(CANDIDATE, "504", 5000, times=2)
    second.answer(CANDIDATE, "503", 1, times=3)
    second.answer(CANDIDATE, "500", 60, times=4)
    first.answer(CANDIDATE, "200", 60, times=7_000, reporter="destination")
    first.answer(CANDIDATE, "200", 60, times=7_000, source_workload_namespace="batch")
    first.answer(CANDIDATE, "200", 60, times=7_000, destination_service_namespace="elsewhere")
    window = mesh.window()
    nothing = {Signal.SCORES: SeriesState.MISSING}
    assert window.stable == Arm(outcomes={Outcome.OK: 900}, latency_ms=window.stable.latency_ms, states=nothing)
    assert window.candidate.outcomes == {
        Outcome.OK: 90,
        Outcome.CLIENT_ERROR: 1,
        Outcome.TIMEOUT: 2,
        Outcome.UNAVAILABLE: 3,
        Outcome.SERVER_ERROR: 4,
    }
    latency = window.candidate.latency_ms
    assert latency is not None
    counts = dict(zip(latency.upper_bounds, latency.cumulative, strict=False))
    assert (counts[50], counts[60], counts[100], latency.total) == (3, 98, 98, 100)


def test_a_pod_that_begins_anew_is_named_and_counted_on(mesh: Mesh) -> None:
    before = mesh.window()
    mesh.gateways[1].restart()
    mesh.gateways[1].answer(STABLE, "200", 20, times=10)
    window = mesh.window()
    assert window.stable.state(Signal.REQUESTS) is window.stable.state(Signal.LATENCY) is SeriesState.RESET
    assert window.stable.requests == before.stable.requests + 10


def test_a_warm_up_leaves_out_what_was_counted_in_it(mesh: Mesh) -> None:
    warm_up_s = (datetime.now(UTC) - mesh.evidence.step_start).total_seconds()
    mesh.wait_for_scrapes()
    mesh.gateways[0].answer(STABLE, "200", 20, times=33)
    mesh.wait_for_scrapes()
    window = mesh.look(warm_up_s).evidence.windows[-1]
    assert window.stable.requests == 33
    assert window.start >= mesh.evidence.step_start + timedelta(seconds=warm_up_s)
