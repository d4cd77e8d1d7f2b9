"""Namespaces: Pod Security with a reason where it is less, and a closed network in every one of ours."""

import pytest

from infra.namespaces import NamespaceArgs, PodSecurity, namespace_annotations, namespace_labels
from infra.versions import KUBERNETES
from stacks.capture.resource import Resource
from stacks.capture.run import Capture
from tests.infra.in_cluster import body, captured

NAMESPACE = "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def _policies(run: Capture, namespace: str) -> list[Resource]:
    return [found for found in run.of_type(POLICY) if body(found)["metadata"]["namespace"] == namespace]


def test_less_than_restricted_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs `why_not_restricted`; allowed without is restricted"):
        NamespaceArgs(namespace="n", pod_security=PodSecurity.BASELINE)


def test_labels_pin_the_level_and_its_version() -> None:
    labels = namespace_labels(NamespaceArgs(namespace="n", in_mesh=True, labels={"team": "a"}))
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["pod-security.kubernetes.io/enforce-version"] == f"v{KUBERNETES}"
    assert (labels["istio-injection"], labels["team"]) == ("enabled", "a")


def test_the_reason_stands_on_the_object() -> None:
    args = NamespaceArgs(namespace="n", pod_security=PodSecurity.PRIVILEGED, why_not_restricted="node files")
    assert list(namespace_annotations(args).values()) == ["node files"]
    assert namespace_annotations(NamespaceArgs(namespace="n")) == {}


def test_every_namespace_denies_by_default() -> None:
    run = captured()
    names = [body(found)["metadata"]["name"] for found in run.of_type(NAMESPACE)]
    assert len(names) == 11
    for name in names:
        denials = [found for found in _policies(run, str(name)) if found.name.endswith("-deny-all")]
        assert [body(found)["spec"] for found in denials] == [
            {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
        ]


def test_only_node_agents_are_privileged() -> None:
    levels = {
        body(found)["metadata"]["name"]: body(found)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for found in captured().of_type(NAMESPACE)
    }
    assert {name for name, level in levels.items() if level != "restricted"} == {"istio-cni", "node-exporter"}
    assert set(levels.values()) == {"restricted", "privileged"}


def test_the_mesh_is_where_callers_and_models_are() -> None:
    meshed = {
        body(found)["metadata"]["name"]
        for found in captured().of_type(NAMESPACE)
        if body(found)["metadata"]["labels"]["istio-injection"] == "enabled"
    }
    assert meshed == {"istio-ingress", "models"}
