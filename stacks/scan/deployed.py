"""InferenceService + its ServingRuntime -> the Deployment that KServe makes of them, which a scanner can read.

A scanner knows Deployments and not KServe's kinds; without this it would pass over the pods that matter most.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.policies.pod_views import RUNTIMES, SERVICE
from infra.release.names import ISVC_LABEL, predictor

Object = Mapping[str, Any]
CONTAINER: Final = "kserve-container"
OF_CONTAINER: Final = ("image", "command", "resources", "ports", "securityContext", "workingDir")
"""What an InferenceService's model puts in the place of the runtime's."""
OF_SCALING: Final = frozenset(
    {"model", "minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "labels", "annotations"}
)
"""Fields of a predictor that are not of its pods."""
OF_RUNTIME: Final = frozenset({"supportedModelFormats", "protocolVersions", "multiModel", "disabled"})
"""Fields of a runtime that are not of its pods."""


def deployments(objects: Sequence[Object]) -> list[dict[str, Any]]:
    """One Deployment for each InferenceService; raises `LookupError` where its runtime is not among the objects."""
    kinds = {SERVICE.split(":")[1], *(runtime.split(":")[1] for runtime in RUNTIMES)}
    ours = [one for one in objects if one.get("kind") in kinds]
    runtimes = {one["metadata"]["name"]: one["spec"] for one in ours if one["kind"] != "InferenceService"}
    services = [one for one in ours if one["kind"] == "InferenceService"]
    return [_deployment(service, _runtime_of(service, runtimes)) for service in services]


def _runtime_of(service: Object, runtimes: Mapping[str, Object]) -> Object:
    name = service["spec"]["predictor"]["model"]["runtime"]
    if name not in runtimes:
        raise LookupError(f"{service['metadata']['name']} names the runtime {name}; there are {sorted(runtimes)}")
    return runtimes[name]


def _deployment(service: Object, runtime: Object) -> dict[str, Any]:
    metadata, asked = service["metadata"], service["spec"]["predictor"]
    labels = {**metadata.get("labels", {}), **asked.get("labels", {}), ISVC_LABEL: metadata["name"]}
    containers = [_container(one, asked["model"]) for one in runtime["containers"]]
    pod = {key: value for key, value in runtime.items() if key not in OF_RUNTIME}
    pod |= {key: value for key, value in asked.items() if key not in OF_SCALING}
    pod["containers"] = containers
    pod["volumes"] = [*runtime.get("volumes", []), *asked.get("volumes", [])]
    place = {"name": predictor(metadata["name"]), "namespace": metadata["namespace"]}
    annotations = {**runtime.get("annotations", {}), **asked.get("annotations", {})}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**place, "labels": labels},
        "spec": {
            "replicas": asked.get("minReplicas", 1),
            "selector": {"matchLabels": {ISVC_LABEL: metadata["name"]}},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": _pod_fields(pod)},
        },
    }


def _pod_fields(pod: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pod.items() if key not in ("labels", "annotations")}


def _container(container: Object, model: Object) -> dict[str, Any]:
    if container["name"] != CONTAINER:
        return dict(container)
    replaced = {field: model[field] for field in OF_CONTAINER if field in model}
    added = {field: [*container.get(field, []), *model.get(field, [])] for field in ("args", "env", "volumeMounts")}
    return {**container, **replaced, **{field: values for field, values in added.items() if values}}
