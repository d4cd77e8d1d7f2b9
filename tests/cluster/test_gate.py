"""The gate before a route: a version's budget, as rendered, allows disruption only once all of its pods are ready.

Pulumi waits for that condition (`pulumi.com/waitFor`) before it changes the route; here its controller is the real one.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.release.names import ISVC_LABEL
from stacks.capture import fakes_kubernetes, fakes_stack_reference
from stacks.capture.run import capture
from stacks.releases_program import releases_program
from tests.cluster.api import Api, Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.declared import DeclaredObject, declared
from tests.serving.waiting import wait_for

pytestmark = pytest.mark.cluster

NAMESPACE = "gate"
WAIT_FOR = "pulumi.com/waitFor"
REPLICAS = 3


def rendered_budget() -> dict[str, Any]:
    """The stable version's, of what is shipped for prod, in a namespace of its own."""
    fakes = {**fakes_kubernetes.FAKES, **fakes_stack_reference.FAKES}
    objects = declared(capture(releases_program, stack="prod-releases", fakes=fakes))
    budgets = [
        one.content
        for one in objects
        if isinstance(one, DeclaredObject) and one.content["kind"] == "PodDisruptionBudget"
    ]
    budget = dict(min(budgets, key=lambda one: str(one["metadata"]["name"])))
    return {**budget, "metadata": {**budget["metadata"], "namespace": NAMESPACE}}


def deployment(version: str) -> dict[str, Any]:
    """As KServe labels a predictor's pods; what runs in them does not matter, since no node is there to run them."""
    labels = {"app": f"isvc.{version}-predictor", ISVC_LABEL: version}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none.invalid/a:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{version}-predictor", "namespace": NAMESPACE},
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template},
    }


class Gate:
    """A budget and the pods that it counts."""

    def __init__(self, api: Api, budget: dict[str, Any]) -> None:
        self._api = api
        self._version = budget["metadata"]["name"]
        self._key = Key("policy/v1", "PodDisruptionBudget", NAMESPACE, self._version)

    def pods(self) -> list[str]:
        found = self._api.list("v1", "Pod", NAMESPACE, f"{ISVC_LABEL}={self._version}")
        return sorted(pod["metadata"]["name"] for pod in found)

    def set_ready(self, pod: str, status: str) -> None:
        condition = {"type": "Ready", "status": status}
        status_patch = {"status": {"phase": "Running", "conditions": [condition]}}
        self._api.patch(Key("v1", "Pod", NAMESPACE, pod), status_patch, subresource="status")

    def is_open(self, *, expected: int, healthy: int) -> bool:
        """Whether the condition holds, once the controller has counted this many."""
        wait_for(lambda: self._counted() == (expected, healthy), within_s=30, what=f"{healthy} of {expected} counted")
        budget = self._budget()
        (condition,) = (one for one in budget["status"]["conditions"] if one["type"] == "DisruptionAllowed")
        assert condition["observedGeneration"] == budget["metadata"]["generation"]
        return bool(condition["status"] == "True")

    def _counted(self) -> tuple[int, int] | None:
        status = self._budget().get("status", {})
        return (status["expectedPods"], status["currentHealthy"]) if status.get("conditions") else None

    def _budget(self) -> dict[str, Any]:
        found = self._api.read(self._key)
        assert found is not None
        return found


@pytest.fixture
def gate(plane: ControlPlane) -> Iterator[Gate]:
    api, budget = plane.api, rendered_budget()
    assert budget["metadata"]["annotations"] == {WAIT_FOR: "condition=DisruptionAllowed"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    api.apply(namespace)
    wait_for(lambda: api.find("v1", "ServiceAccount", NAMESPACE, "default") is not None)
    api.apply(budget)
    yield Gate(api, budget)
    api.delete(Key("v1", "Namespace", "", NAMESPACE))
    wait_for(lambda: api.find("v1", "Namespace", "", NAMESPACE) is None, within_s=60, what="the namespace to go")


def test_the_gate_opens_with_the_last_ready_pod_and_not_before(plane: ControlPlane, gate: Gate) -> None:
    assert not gate.is_open(expected=0, healthy=0)
    plane.api.apply(deployment(rendered_budget()["metadata"]["name"]))
    wait_for(lambda: len(gate.pods()) == REPLICAS, within_s=30, what="the pods")
    for ready, pod in enumerate(gate.pods()):
        assert not gate.is_open(expected=REPLICAS, healthy=ready)
        gate.set_ready(pod, "True")
    assert gate.is_open(expected=REPLICAS, healthy=REPLICAS)
    gate.set_ready(gate.pods()[0], "False")
    assert not gate.is_open(expected=REPLICAS, healthy=REPLICAS - 1)
