"""The `gpu` pool goes from no node to one when a Triton pod appears, back to none after it, and never over its limit.

What runs is prod as its stacks declare it: the API server, the scheduler, KServe and Karpenter are real, nodes and
kubelets are KWOK's. `runs/cluster/report.json` keeps the times.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.nodes.instance_types import instance_type
from infra.nodes.placement import GPU, POOL_LABEL
from tests.cluster import kserve
from tests.cluster.api import Api, Key, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.declared import Declared, DeclaredObject
from tests.cluster.environment import environment
from tests.cluster.lifecycle import created, delete, leftovers
from tests.cluster.node_makers import CONSOLIDATE_AFTER, machine_of, node_makers, on_kwok
from tests.serving.waiting import wait_for
from tools.folders import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ENVIRONMENT = "prod"
POOL = GPU.pool
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")
REPORT = ROOT / "runs/cluster/report.json"
WITHIN_S = 120


@dataclass(kw_only=True, slots=True)
class Stage:
    """Prod on the server, its models not yet."""

    plane: ControlPlane
    pool: Object
    """The NodePool as rendered."""
    services: list[DeclaredObject]
    """The InferenceServices as rendered."""
    times: dict[str, float] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return self.plane.api

    def nodes(self) -> list[dict[str, Any]]:
        return self.api.list("v1", "Node", selector=f"{POOL_LABEL}={POOL}")

    def claims(self) -> list[dict[str, Any]]:
        """Nodes that Karpenter has ordered."""
        return self.api.list("karpenter.sh/v1", "NodeClaim")

    def pods_on(self, node: Object) -> list[dict[str, Any]]:
        pods = self.api.list("v1", "Pod")
        return [pod for pod in pods if pod["spec"].get("nodeName") == node["metadata"]["name"]]

    def limit(self) -> int:
        """Nodes that the pool may have: each has one accelerator."""
        return int(self.pool["spec"]["limits"]["nvidia.com/gpu"])

    def note(self, name: str, begin: float) -> None:
        """Keep the seconds since then."""
        self.times[name] = round(time.monotonic() - begin, 2)


def only_kind(items: list[Declared], kind: str) -> list[DeclaredObject]:
    return [item for item in items if isinstance(item, DeclaredObject) and item.content["kind"] == kind]


@pytest.fixture(scope="module")
def stage(plane: ControlPlane) -> Iterator[Stage]:
    shipped = environment(ENVIRONMENT)
    pools = {item.content["metadata"]["name"]: item.content for item in only_kind(shipped.platform, "NodePool")}
    pool = pools[POOL]
    machines = [machine_of(each, instance_type(type_of(each)), ZONES) for each in pools.values()]
    platform = [for_kwok(item) for item in shipped.platform]
    before = plane.api.everything()
    with (
        node_makers(plane, machines),
        created(plane, platform, {kserve.CHART: kserve.kserve}) as made,
    ):
        found = Stage(plane=plane, pool=pool, services=only_kind(shipped.releases, "InferenceService"))
        yield found
        delete(plane.api, made)
    plane.api.delete(Key("karpenter.kwok.sh/v1alpha1", "KWOKNodeClass", "", "kwok"))
    assert leftovers(plane.api, before) == []


def type_of(pool: Object) -> str:
    requirements = pool["spec"]["template"]["spec"]["requirements"]
    [values] = [item["values"] for item in requirements if item["key"] == "node.kubernetes.io/instance-type"]
    assert len(values) == 1, values
    return str(values[0])


def for_kwok(item: Declared) -> Declared:
    if isinstance(item, DeclaredObject) and item.content["kind"] == "NodePool":
        return DeclaredObject(resource=item.resource, content=on_kwok(item.content))
    return item


def write_report(stage: Stage) -> None:
    rendered = stage.pool["spec"]
    report = {
        "environment": ENVIRONMENT,
        "pool": POOL,
        "seconds": stage.times,
        "limit_nodes": stage.limit(),
        "consolidate_after": {"rendered": rendered["disruption"]["consolidateAfter"], "here": CONSOLIDATE_AFTER},
        "nodes_are": "KWOK's: an EC2 instance needs a minute or more to start, and its image to be pulled",
    }
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


@pytest.fixture(scope="module")
def service(stage: Stage) -> Iterator[Key]:
    """One version of the model, with one pod, until the module ends or a test takes it away."""
    item = stage.services[-1]
    metadata = item.content["metadata"]
    key = Key(item.content["apiVersion"], item.content["kind"], metadata["namespace"], metadata["name"])
    assert stage.nodes() == []
    begin = time.monotonic()
    stage.api.apply(item.content)
    wait_for(lambda: len(stage.claims()) == 1, within_s=WITHIN_S, what="an order for a node")
    stage.note("pod_to_order", begin)
    wait_for(lambda: len(stage.nodes()) == 1, within_s=WITHIN_S, what="a node")
    stage.note("pod_to_node", begin)
    wait_for(lambda: phases(stage, key) == ["Running"], within_s=WITHIN_S, what="a running pod")
    stage.note("pod_to_running", begin)
    yield key
    stage.api.delete(key)
    wait_for(lambda: stage.claims() == [], within_s=WITHIN_S, what="an empty pool")


def phases(stage: Stage, service: Key) -> list[str]:
    """Of the service's pods, sorted."""
    pods = stage.api.list("v1", "Pod", service.namespace, kserve.pod_selector(service.name))
    return sorted(pod["status"]["phase"] for pod in pods)


def refusals(stage: Stage, namespace: str) -> dict[str, str]:
    """Pod -> why Karpenter makes no node for it."""
    events = stage.api.list("v1", "Event", namespace)
    said = [event for event in events if event["source"].get("component") == "karpenter"]
    return {
        event["involvedObject"]["name"]: event["message"] for event in said if event["reason"] == "FailedScheduling"
    }


def shuns_karpenter(pod: Object) -> bool:
    """Whether the pod asks for nodes that Karpenter did not make; Karpenter passes over such pods in silence."""
    affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    wanted = {"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}
    return any(wanted in term.get("matchExpressions", []) for term in terms)


def test_the_pool_is_empty_while_only_system_pods_wait(stage: Stage) -> None:
    """All of the platform's pods wait here, for there are no system nodes: none of them makes a worker appear."""
    pods = stage.api.list("v1", "Pod")
    assert len(pods) > 10
    assert {pod["status"]["phase"] for pod in pods} == {"Pending"}
    waiting = {pod["metadata"]["name"] for pod in pods if not shuns_karpenter(pod)}
    namespaces = {pod["metadata"]["namespace"] for pod in pods}

    def unanswered() -> set[str]:
        return waiting - {name for namespace in namespaces for name in refusals(stage, namespace)}

    try:
        wait_for(lambda: not unanswered(), within_s=WITHIN_S, what="Karpenter's word on every system pod")
    except AssertionError as error:
        raise AssertionError(f"{error}: {sorted(unanswered())}") from None
    assert stage.claims() == []
    assert stage.nodes() == []


def test_a_triton_pod_brings_one_node_with_one_accelerator(stage: Stage, service: Key) -> None:
    [node] = stage.nodes()
    template = stage.pool["spec"]["template"]
    labels = node["metadata"]["labels"]
    assert labels["node.kubernetes.io/instance-type"] == type_of(stage.pool)
    assert template["metadata"]["labels"].items() <= labels.items()
    assert node["status"]["capacity"]["nvidia.com/gpu"] == "1"
    taints = [{key: taint.get(key) for key in ("key", "value", "effect")} for taint in node["spec"]["taints"]]
    assert template["spec"]["taints"] == [taint for taint in taints if taint["key"] == GPU.taint.key]
    assert phases(stage, service) == ["Running"]


def test_no_system_pod_lands_on_the_node(stage: Stage, service: Key) -> None:
    [node] = stage.nodes()
    others = [
        pod
        for pod in stage.pods_on(node)
        if pod["metadata"].get("labels", {}).get("serving.kserve.io/inferenceservice") != service.name
    ]
    assert all(pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet" for pod in others), others


def test_the_limit_holds(stage: Stage, service: Key) -> None:
    over = stage.limit() + 2
    deployment = Key("apps/v1", "Deployment", service.namespace, f"{service.name}-predictor")
    begin = time.monotonic()
    # As the scaler would.
    stage.api.patch(deployment, {"spec": {"replicas": over}}, subresource="scale")
    wait_for(
        lambda: phases(stage, service) == ["Pending"] * 2 + ["Running"] * stage.limit(),
        within_s=WITHIN_S,
        what=f"{stage.limit()} running and 2 waiting pods",
    )
    stage.note(f"1_to_{stage.limit()}_running", begin)

    def are_told_of_the_limit() -> bool:
        pods = stage.api.list("v1", "Pod", service.namespace, kserve.pod_selector(service.name))
        waiting = [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Pending"]
        return all("exceed limits" in refusals(stage, service.namespace).get(name, "") for name in waiting)

    wait_for(are_told_of_the_limit, within_s=WITHIN_S, what="Karpenter's word on the pods over the limit")
    assert len(stage.claims()) == stage.limit()
    assert len(stage.nodes()) == stage.limit()


def test_the_pool_is_empty_again_after_the_last_pod(stage: Stage, service: Key) -> None:
    begin = time.monotonic()
    stage.api.delete(service)
    wait_for(lambda: stage.api.read(service) is None, within_s=WITHIN_S, what="the service being gone")
    wait_for(lambda: phases(stage, service) == [], within_s=WITHIN_S, what="its pods being gone")
    stage.note("service_to_no_pod", begin)
    wait_for(lambda: stage.nodes() == [] and stage.claims() == [], within_s=300, what="an empty pool")
    stage.note("service_to_zero_nodes", begin)
    write_report(stage)
