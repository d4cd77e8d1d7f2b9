"""The custom resource definitions that the platform's charts bring, from pinned Go modules; strict as upstream."""

from collections.abc import Iterator
from typing import Any

from tests.cluster.api import Api, Object, key_of
from tests.cluster.manifests import documents
from tests.serving.waiting import wait_for
from tools.modules import module_folder

SOURCES = {
    "gateway-api": ("sigs.k8s.io/gateway-api", "config/crd/standard/gateway*.yaml"),
    "istio": ("istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"),
    "karpenter": ("github.com/aws/karpenter-provider-aws", "pkg/apis/crds/*.yaml"),
    "karpenter-kwok": ("sigs.k8s.io/karpenter", "kwok/apis/crds/*.yaml"),
    "cert-manager": ("github.com/cert-manager/cert-manager", "deploy/crds/*.yaml"),
    "keda": ("github.com/kedacore/keda/v2", "config/crd/bases/*.yaml"),
    "prometheus": ("github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd/*.yaml"),
    "kserve": ("github.com/kserve/kserve", "config/crd/full/serving.kserve.io_*.yaml"),
    "kserve-storage": ("github.com/kserve/kserve", "config/crd/full/clusterstoragecontainer/serving*.yaml"),
    "pulumi-operator": ("github.com/pulumi/pulumi-kubernetes-operator", "deploy/crds/pulumi.com_stacks.yaml"),
}
"""Part of the platform -> Go module and its files."""

STACK_FIELDS_SINCE_V2 = {
    "configRef": "object",
    "environment": "array",
    "preview": "boolean",
    "retryMaxBackoffDurationSeconds": "integer",
    "runProgram": "boolean",
    "serviceAccountName": "string",
    "shallow": "boolean",
    "targetDependents": "boolean",
    "updateTemplate": "object",
    "workspaceReclaimPolicy": "string",
    "workspaceTemplate": "object",
}
"""Fields of a Stack's spec, with their types, that the operator's v2.9.0 has on top of v1.16.0, the last release to be
had as a Go module. Their insides are not checked; everything else is, strictly."""

ESTABLISHED_SECONDS = 60


def definitions(part: str) -> Iterator[dict[str, Any]]:
    """The objects of one part: definitions, and the admission policies that come with them."""
    module, pattern = SOURCES[part]
    files = sorted(module_folder(module).glob(pattern))
    assert files, f"{module} holds no {pattern}"
    for file in files:
        for document in documents(file.read_bytes()):
            yield with_v2_fields(document) if part == "pulumi-operator" else document


def with_v2_fields(definition: dict[str, Any]) -> dict[str, Any]:
    """The Stack's definition with the fields of `STACK_FIELDS_SINCE_V2`; changes it in place."""
    for version in definition["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        for name, type_ in STACK_FIELDS_SINCE_V2.items():
            unchecked: dict[str, Any] = {"x-kubernetes-preserve-unknown-fields": True}
            items = {"items": {"type": "object"} | unchecked} if type_ == "array" else {}
            spec.setdefault(name, {"type": type_} | items | (unchecked if type_ == "object" else {}))
    return definition


def install(api: Api, *parts: str) -> None:
    """Apply the definitions and wait until the server serves their kinds; all parts where none is named."""
    objects = [obj for part in parts or SOURCES for obj in definitions(part)]
    for obj in objects:
        api.apply(obj)
    for obj in objects:
        if obj["kind"] == "CustomResourceDefinition":
            key = key_of(obj)
            wait_for(
                lambda key=key: _is_established(api.read(key)),  # type: ignore[misc]
                within_s=ESTABLISHED_SECONDS,
                what=f"{key} being established",
            )


def _is_established(definition: Object | None) -> bool:
    conditions = (definition or {}).get("status", {}).get("conditions", [])
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)
