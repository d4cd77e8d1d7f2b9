"""A rollout on a cluster as its Prometheus sees it: real git, a real Prometheus, gateways that count as Istio does.

Who applies the branch is played: whatever is pushed, two gateways split by it a moment later, one after the other.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from infra.conductor import pod
from infra.conductor.conductor import ConductorArgs, arguments
from serving.prometheus import Prometheus
from serving.release import Release, parse_release
from serving.release_change import Change, changed
from serving.release_repository import commit_change, history
from serving.release_verbs import canary, promote, register
from stacks.live_versions import service_names
from tests.serving.faults.breaking import kill_at_the_next_commit
from tests.serving.faults.night import git
from tests.serving.git_server import TOKEN, git_host
from tests.serving.only_packages import with_only
from tests.serving.signals.istio import FakeGateway, scraped_at
from tests.serving.signals.test_cluster import running
from tests.serving.test_release_verbs import digest
from tests.serving.waiting import wait_for

NAME = "stacks/releases/dev/churn.yaml"
STEP = {"min_samples": 60, "min_minutes": 0, "max_minutes": 5}
PLAN = {
    "steps": [{"weight": 20, **STEP}, {"weight": 50, **STEP}],
    "metrics": [{"name": "failures", "margin": 0.25, "alpha": 0.05}],
    "warm_up_seconds": 0,
    "window_seconds": 1,
}
RESOURCES = {
    "compute": "cpu",
    "cpu": 1,
    "memory_gib": 1,
    "replicas": {"min": 1, "max": 1},
    "scaling": {"kind": "fixed"},
}


def planned(release: Release) -> Change:
    return changed(
        release, "register", "a plan", {"plan": PLAN, "expected_rate_per_second": 1e5, "resources": RESOURCES}
    )


@dataclass(kw_only=True)
class Mesh:
    """Two gateways that answer by what is pushed to the branch."""

    bare: Path
    gateways: tuple[FakeGateway, FakeGateway]
    failing: set[str] = field(default_factory=set)
    """Versions that answer 500."""
    stopping: threading.Event = field(default_factory=threading.Event)
    served: list[dict[str, int]] = field(default_factory=list)
    """Weights that both gateways had, each once, in order."""

    def run(self) -> None:
        random = np.random.default_rng(0)
        head = self.head()
        release = first = self.read()
        while not self.stopping.wait(0.1):
            for gateway, by in zip(self.gateways, (release, first), strict=True):
                names, weights = service_names(by), by.weights()
                counts = random.multinomial(20, [share / 100 for share in weights.values()])
                for version, times in zip(weights, counts.tolist(), strict=True):
                    if times:
                        gateway.answer(names[version], "500" if version in self.failing else "200", 20, times=times)
            if first.weights() not in self.served[-1:]:
                self.served.append(first.weights())
            # The second one learns of it later.
            first = release
            if self.head() != head:
                head, release = self.head(), self.read()

    def head(self) -> str:
        return (self.bare / "refs/heads/main").read_text()

    def read(self) -> Release:
        return parse_release(git(self.bare, "show", f"main:{NAME}"), place="main")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    clone: Path
    mesh: Mesh
    prometheus: Prometheus

    @property
    def path(self) -> Path:
        return self.clone / NAME

    def push(self, *verbs: partial[Change]) -> None:
        for verb in verbs:
            commit_change(self.path, verb)
        git(self.clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")

    def conduct(self) -> subprocess.CompletedProcess[str]:
        """`stillhouse release run` in a process of its own, to its end."""
        where = ("--endpoint", "churn", "--env", "dev", "--repo", str(self.clone), "--json")
        there = ("--prometheus", self.prometheus.url, "--scrape-s", "1")
        command = [sys.executable, "-c", "from cli.main import main; main()", "release", "run", *where, *there]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)

    def verbs(self) -> list[str]:
        git(self.clone, "fetch", "--quiet", "origin", "main")
        told = git(self.clone, "log", "--reverse", "--format=%(trailers:key=Verb,valueonly)", "FETCH_HEAD").split()
        return told[told.index("canary") :]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    bare, clone = tmp_path / "origin.git", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(clone))
    git(clone, "checkout", "--quiet", "-B", "main")
    gateways = (FakeGateway(began_s=time.time() - 3600), FakeGateway(began_s=time.time() - 3600))
    with ExitStack() as stack:
        ports = [stack.enter_context(scraped_at(gateway)) for gateway in gateways]
        prometheus = stack.enter_context(running(tmp_path, ports))
        found = Cluster(clone=clone, mesh=Mesh(bare=bare, gateways=gateways), prometheus=prometheus)
        now = datetime.now(UTC)
        for name, number in (("v1", 1), ("v2", 2)):
            verb = partial(register, version=name, digest=digest(number), uri=f"churn/{number}/", registered=now)
            commit_change(found.path, verb)
        found.push(partial(promote, version="v1"), partial(planned))
        answering = threading.Thread(target=found.mesh.run)
        answering.start()
        try:
            yield found
        finally:
            found.mesh.stopping.set()
            answering.join()


def test_killed_between_a_commit_and_its_push_it_goes_on_and_takes_no_step_twice(cluster: Cluster) -> None:
    cluster.push(partial(canary, version="v2", now=datetime.now(UTC)))
    kill_at_the_next_commit(cluster.clone)
    assert cluster.conduct().returncode == -signal.SIGKILL
    assert cluster.verbs() == ["canary"], "it committed, and nobody else knows"
    assert len(history(cluster.path)) > len(cluster.verbs())
    again = cluster.conduct()
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["outcome"] == "promoted"
    assert cluster.verbs() == ["canary", "advance", "advance"]
    assert cluster.mesh.served == [{"v1": 100}, {"v1": 80, "v2": 20}, {"v1": 50, "v2": 50}, {"v2": 100}]


def test_a_bad_version_is_rolled_back_and_the_gateways_show_it(cluster: Cluster) -> None:
    cluster.mesh.failing.add("v2")
    cluster.push(partial(canary, version="v2", now=datetime.now(UTC)))
    done = cluster.conduct()
    assert done.returncode == 3, done.stderr
    assert cluster.verbs() == ["canary", "rollback"]
    wait_for(lambda: cluster.mesh.served[-1] == {"v1": 100}, what="the stable version alone")


def image_packages() -> list[str]:
    """What docs/platform.md installs into the conductor's image."""
    text = (Path(__file__).parents[3] / "docs/platform.md").read_text()
    (line,) = [line for line in text.splitlines() if "pip install" in line and "scipy" in line]
    return line.partition("versions.txt ")[2].split()


def test_the_pods_own_words_conduct_with_a_token_and_nothing_else(cluster: Cluster, tmp_path: Path) -> None:
    """All that the Deployment tells its container, with this test's folders in place of the pod's."""
    work, token = tmp_path / "work", tmp_path / "token"
    work.mkdir()
    token.write_text(TOKEN)
    cluster.push(partial(canary, version="v2", now=datetime.now(UTC)))
    program = with_only(image_packages(), "from cli.main import main; main()")

    def here(word: str) -> str:
        return word.replace("/var/run/git/token", str(token)).replace(pod.WORK, str(work))

    with git_host(cluster.mesh.bare.parent) as url, (tmp_path / "conductor.log").open("wb") as log:
        told = ConductorArgs(
            endpoint="churn",
            environment="dev",
            namespace="conductor",
            image="stillhouse@sha256:" + "c" * 64,
            repository=f"{url}/{cluster.mesh.bare.name}",
            branch="main",
            prometheus_url=cluster.prometheus.url,
            serving_namespace="models",
            gateway_namespace="istio-ingress",
            scrape_s=1,
        )
        git(cluster.mesh.bare, "config", "http.receivepack", "true")
        process = subprocess.Popen(
            [sys.executable, "-c", program, *(here(str(word)) for word in arguments(told))],
            env={"PATH": os.environ["PATH"], **{name: here(value) for name, value in pod.environment().items()}},
            stdout=log,
            stderr=log,
        )
        try:
            told_all = ["canary", "advance", "advance"]
            wait_for(lambda: cluster.verbs() == told_all, within_s=120, what=f"a promotion, see {log.name}")
            wait_for(lambda: cluster.mesh.served[-1] == {"v2": 100}, what="the candidate alone")
            assert process.poll() is None, "it waits for the next trial"
            assert (work / "beat").exists()
            used_mib = psutil.Process(process.pid).memory_info().rss / 2**20
            assert used_mib < pod.RESOURCES.memory_mib, "what it asks for is what it takes"
        finally:
            process.terminate()
            process.wait()
    assert process.returncode == 130, (tmp_path / "conductor.log").read_text()
    authors = git(cluster.clone, "log", "-2", "--format=%an", "FETCH_HEAD").split("\n")
    assert authors[:2] == ["stillhouse conductor"] * 2
    assert TOKEN not in (work / "clone/.git/config").read_text()
