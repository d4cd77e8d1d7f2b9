"""A rollout on a cluster as its Prometheus sees it: real git, a real Prometheus, gateways that count as Istio does.

Who applies the branch is played: whatever is pushed, two gateways split by it a moment later, one after the other.
"""

import json
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
import pytest

from serving.prometheus import Prometheus
from serving.release import Release, parse_release
from serving.release_change import Change, changed
from serving.release_repository import commit_change, history
from serving.release_verbs import canary, promote, register
from stacks.live_versions import service_names
from tests.serving.faults.breaking import kill_at_the_next_commit
from tests.serving.faults.night import git
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
        release = first = self.read()
        while not self.stopping.wait(0.02):
            for gateway, by in zip(self.gateways, (release, first), strict=True):
                names, weights = service_names(by), by.weights()
                chosen = random.choice(list(weights), p=[share / 100 for share in weights.values()], size=4)
                for version in chosen:
                    gateway.answer(names[version], "500" if version in self.failing else "200", 20)
            if first.weights() not in self.served[-1:]:
                self.served.append(first.weights())
            # The second one learns of it later.
            first, release = release, self.read()

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
