"""Everything that every shipped stack renders is taken by a real API server, and leaves it without a trace."""

from typing import Any

import pytest

from tests.cluster import kserve
from tests.cluster.api import Key, RefusedError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.declared import Declared, DeclaredObject, Release
from tests.cluster.environment import environment, environments
from tests.cluster.lifecycle import created, delete, leftovers

pytestmark = pytest.mark.cluster

CONTROLLERS = {kserve.CHART: kserve.kserve}


def test_there_are_environments() -> None:
    assert environments() == ["dev", "prod", "staging"]


@pytest.mark.parametrize("name", environments())
def test_a_shipped_environment_is_taken_and_leaves_nothing(plane: ControlPlane, name: str) -> None:
    shipped = environment(name)
    before = plane.api.everything()
    with created(plane, shipped.everything, CONTROLLERS) as made:
        print(f"{name}: {len(made.keys)} objects; charts rendered {made.rendered}; not to be had {made.not_rendered}")
        assert kserve.CHART in made.rendered
        assert any(key.kind == "InferenceService" for key in made.keys)
        delete(plane.api, made)
    assert leftovers(plane.api, before) == []


def config_map(name: str, **metadata: Any) -> DeclaredObject:
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"} | metadata}
    return DeclaredObject(resource=name, content=content)


def test_an_object_that_is_refused_is_named_with_the_servers_words(plane: ControlPlane) -> None:
    bad = DeclaredObject(resource="bad", content={**config_map("bad").content, "dota": {}})
    with (
        pytest.raises(RefusedError, match=r"v1 ConfigMap default/bad: 500 .*\.dota: field not declared"),
        created(plane, [bad]),
    ):
        pass


def test_an_object_that_does_not_go_is_named_with_its_finalizers(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.cluster.lifecycle.GONE_SECONDS", 2)
    held = config_map("held", finalizers=["stillhouse.dev/never"])
    words = r"deletion of v1 ConfigMap default/held.*stillhouse.dev/never"
    with created(plane, [held]) as made, pytest.raises(AssertionError, match=words):
        delete(plane.api, made)
    plane.api.patch(Key("v1", "ConfigMap", "default", "held"), {"metadata": {"finalizers": None}})


def test_a_pod_that_admission_would_refuse_is_found_in_its_workload(plane: ControlPlane) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}}
    container = {"name": "main", "image": "registry.invalid/main:1", "securityContext": {"privileged": True}}
    pods = {"app": "main"}
    spec = {
        "selector": {"matchLabels": pods},
        "template": {"metadata": {"labels": pods}, "spec": {"containers": [container]}},
    }
    workload = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "main", "namespace": "strict"}}
    items: list[Declared] = [
        DeclaredObject(resource="namespace", content=namespace),
        DeclaredObject(resource="workload", content=workload | {"spec": spec}),
    ]
    words = r"DaemonSet strict/main could never run a pod: .*privileged"
    with pytest.raises(RefusedError, match=words), created(plane, items):
        pass
    plane.api.delete(Key("v1", "Namespace", "", "strict"))


def test_a_value_that_a_chart_does_not_know_is_named(plane: ControlPlane) -> None:
    release = Release(
        resource="kserve-controller",
        chart=kserve.CHART,
        version="v0.20.0",
        name="kserve",
        namespace="kserve",
        values={"kserve": {"controller": {"deploymentMode": "Standard", "deploymentMood": "a"}}},
    )
    words = r"kserve-controller: the chart kserve-resources knows no value kserve.controller.deploymentMood"
    with pytest.raises(AssertionError, match=words), created(plane, [release]):
        pass
