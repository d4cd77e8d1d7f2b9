"""A pod is found wherever its spec lies."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.policies.catalogue import judge
from infra.policies.judged import UNKNOWN
from infra.policies.pod_views import TEMPLATES, containers, labels_of_pods, pod_spec
from tests.infra.policies import estate as e
from tests.infra.policies.estate import k8s, resource

SPEC = {
    "containers": [{"name": "main", "securityContext": {"privileged": True}}],
    "initContainers": [{"name": "first"}],
}


def _nested(path: tuple[str, ...], value: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value


@pytest.mark.parametrize("kind", TEMPLATES)
def test_containers_are_found_in_every_kind_that_has_a_pod(kind: str) -> None:
    group, _, name = kind.partition(":")
    one = resource(f"kubernetes:{group}/v1:{name}", "x", _nested(TEMPLATES[kind], SPEC))
    assert one.kind == kind
    assert [(c.name, c.starts_once) for c in containers(one)] == [("main", False), ("first", True)]
    assert "container main: securityContext.privileged is true" in {finding.message for finding in judge([one])}


def test_a_container_falls_back_on_its_pod() -> None:
    pod = {
        "securityContext": {"runAsUser": 1, "runAsNonRoot": True},
        "containers": [{"securityContext": {"runAsUser": 2}}],
    }
    (container,) = containers(k8s("v1", "Pod", "x", spec=pod))
    assert container.security("runAsUser") == 2
    assert container.security("runAsNonRoot") is True
    assert container.security("privileged") is None


def test_the_model_of_an_inference_service_is_half_a_container() -> None:
    (container,) = containers(e.SERVED)
    assert not container.whole
    assert container.spec["resources"] == e.RESOURCES


def test_an_inference_services_pods_have_its_labels_and_kserves() -> None:
    wanted = {"stillhouse.dev/endpoint": "clicks", "serving.kserve.io/inferenceservice": "clicks-v1"}
    assert labels_of_pods(e.SERVED) == wanted
    assert labels_of_pods(e.WORKLOAD) == {"app": "triton-alone"}


def test_an_unknown_spec_is_one_unknown_container() -> None:
    unknown = k8s("serving.kserve.io/v1beta1", "InferenceService", "x", spec=UNKNOWN)
    assert pod_spec(unknown) is UNKNOWN
    assert [container.spec for container in containers(unknown)] == [UNKNOWN]
