"""KEDA's real operator with the ScaledObject that a release renders: from nothing to a replica and back.

The API server and Prometheus are real, and the gateway counts as Istio does; there are no nodes, so what scales is the
number of replicas that the Deployment asks for. Only the two waits of minutes are shortened.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.keda import NAMESPACE as KEDA
from infra.release.names import predictor
from serving.twin.process import free_port
from tests.cluster.api import Key
from tests.cluster.child import answers, running
from tests.cluster.control_plane import ControlPlane, program_path
from tests.cluster.declared import DeclaredObject
from tests.cluster.environment import environment
from tests.serving.signals.istio import FakeGateway, scraped_at
from tests.serving.signals.test_cluster import running as prometheus_of
from tests.serving.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

NAME, NAMESPACE = "churn-v2-1a2b3c4d-5e6f", "sleeping"
WITHIN_S = 150
SHORTENED = {"pollingInterval": 1, "cooldownPeriod": 5}


@contextmanager
def keda(plane: ControlPlane) -> Iterator[None]:
    """The operator; what serves numbers to the autoscaler beyond one replica does not run."""
    certificates = plane.folder / "keda"
    certificates.mkdir(exist_ok=True)
    server = plane.authority.issue_cert("127.0.0.1")
    plane.authority.cert_pem.write_to_path(str(certificates / "ca.crt"))
    server.private_key_pem.write_to_path(str(certificates / "tls.key"))
    server.cert_chain_pems[0].write_to_path(str(certificates / "tls.crt"))
    probe = free_port()
    command = [
        str(program_path("keda")),
        f"--cert-dir={certificates}",
        f"--health-probe-bind-address=127.0.0.1:{probe}",
        f"--metrics-bind-address=127.0.0.1:{free_port()}",
        f"--metrics-service-bind-address=127.0.0.1:{free_port()}",
    ]
    variables = {
        "KUBECONFIG": str(plane.kubeconfig()),
        "WATCH_NAMESPACE": NAMESPACE,
        "KEDA_CLUSTER_OBJECT_NAMESPACE": KEDA,
    }
    with running("keda", command, folder=plane.folder, environment=variables) as operator:
        operator.wait_until(lambda: answers(f"http://127.0.0.1:{probe}/readyz"), within_s=WITHIN_S, what="KEDA")
        yield


@dataclass(frozen=True, kw_only=True)
class Sleeping:
    plane: ControlPlane
    gateway: FakeGateway

    def replicas(self) -> int:
        found = self.plane.api.find("apps/v1", "Deployment", NAMESPACE, predictor(NAME))
        assert found is not None
        return int(found["spec"]["replicas"])

    def condition(self, kind: str) -> str:
        found = self.plane.api.find("keda.sh/v1alpha1", "ScaledObject", NAMESPACE, NAME) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((str(each["status"]) for each in conditions if each["type"] == kind), "")

    def ask(self, code: str, times: int) -> None:
        self.gateway.answer(predictor(NAME), code, 20, times=times)


@pytest.fixture(scope="module")
def sleeping(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sleeping]:
    gateway = FakeGateway(began_s=time.time() - 3600)
    with ExitStack() as stack:
        port = stack.enter_context(scraped_at(gateway))
        prometheus = stack.enter_context(prometheus_of(tmp_path_factory.mktemp("prometheus"), [port]))
        for name in (NAMESPACE, KEDA):
            plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            wait_for(lambda name=name: plane.api.find("v1", "ServiceAccount", name, "default") is not None)  # type: ignore[misc]
        plane.api.apply(deployment())
        stack.enter_context(keda(plane))
        plane.api.apply(rendered(prometheus.url))
        yield Sleeping(plane=plane, gateway=gateway)
        # Its finalizer is the operator's, which must still be there.
        key = Key("keda.sh/v1alpha1", "ScaledObject", NAMESPACE, NAME)
        plane.api.delete(key)
        wait_for(lambda: plane.api.read(key) is None, within_s=WITHIN_S, what="the ScaledObject being gone")
    for name in (NAMESPACE, KEDA):
        plane.api.delete(Key("v1", "Namespace", "", name))
        wait_for(lambda name=name: plane.api.find("v1", "Namespace", "", name) is None, within_s=WITHIN_S)  # type: ignore[misc]


def rendered(prometheus_url: str) -> dict[str, Any]:
    """What dev declares for a version that may sleep, with this Prometheus and shorter waits."""
    scalers = [
        item.content
        for item in environment("dev").releases
        if isinstance(item, DeclaredObject) and item.content["kind"] == "ScaledObject"
    ]
    found: dict[str, Any] = json.loads(
        json.dumps(next(each for each in scalers if each["spec"]["minReplicaCount"] == 0))
    )
    found["metadata"] = {"name": NAME, "namespace": NAMESPACE}
    declared = found["spec"]["scaleTargetRef"]["name"]
    text = json.dumps(found["spec"]).replace(declared, predictor(NAME))
    found["spec"] = json.loads(text) | SHORTENED
    found["spec"]["triggers"][0]["metadata"]["serverAddress"] = prometheus_url
    return found


def deployment() -> dict[str, Any]:
    """As KServe makes it, but for the pod."""
    labels = {"app": predictor(NAME)}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "kserve-container", "image": "a/b:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": predictor(NAME), "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def test_nobody_asks_and_it_sleeps_and_a_refused_request_wakes_it(sleeping: Sleeping) -> None:
    wait_for(lambda: sleeping.replicas() == 0, within_s=WITHIN_S, what="sleep without requests")
    assert sleeping.condition("Ready") == "True"
    # All that the gateway can answer while nobody is there; `rate` sees growth, so the series comes first.
    sleeping.ask("503", 1)
    begin = time.monotonic()

    def woken() -> bool:
        sleeping.ask("503", 5)
        return sleeping.replicas() == 1

    wait_for(woken, within_s=WITHIN_S, what="a replica")
    print(json.dumps({"keda_first_503_to_replica_s": round(time.monotonic() - begin, 1)}))
    wait_for(lambda: sleeping.replicas() == 0, within_s=WITHIN_S, what="sleep after the last request")


def test_keda_is_built_of_the_version_that_the_platform_installs() -> None:
    from infra import versions
    from tools.folders import PROGRAMS

    pinned = (Path(PROGRAMS["keda"]) / "go.mod").read_text()
    assert f"github.com/kedacore/keda/v2 v{versions.KEDA.version}" in pinned
