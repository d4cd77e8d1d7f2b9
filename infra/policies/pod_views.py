"""The pods that a resource makes: of Deployments and Jobs, and of KServe's runtimes and InferenceServices.

KServe makes a pod of two halves: the ServingRuntime brings whole containers, the InferenceService the rest of the pod
and changes to one container. Each half is judged for what it alone can say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Value, at, items

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "core:Pod": ("spec",),
    "apps:Deployment": ("spec", "template", "spec"),
    "apps:StatefulSet": ("spec", "template", "spec"),
    "apps:DaemonSet": ("spec", "template", "spec"),
    "batch:Job": ("spec", "template", "spec"),
    "batch:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
SERVICE: Final = "serving.kserve.io:InferenceService"
RUNTIMES: Final = ("serving.kserve.io:ServingRuntime", "serving.kserve.io:ClusterServingRuntime")
WHOLE: Final = tuple(TEMPLATES)
PODS: Final = (*TEMPLATES, SERVICE)
"""Kinds that say what a pod as such may do."""
CONTAINERS: Final = (*TEMPLATES, *RUNTIMES, SERVICE)
"""Kinds that bring containers or change them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One container, with the pod's security context to fall back on."""

    name: str
    spec: Value
    pod_security: Value
    whole: bool
    """Whether what it leaves out is left out: not so in an InferenceService, whose runtime may say it."""
    starts_once: bool = False
    """An init container: ends before the others begin, so nothing probes it."""

    def security(self, field: str) -> Value:
        """A field of the security context: the container's, else the pod's."""
        own = at(self.spec, "securityContext", field)
        return at(self.pod_security, field) if own is None else own

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"container {self.name}"


def pod_spec(resource: Judged) -> Value:
    """The pod spec in the resource; of a runtime what it has of one."""
    if resource.kind == SERVICE:
        return at(resource.inputs, "spec", "predictor")
    if resource.kind in RUNTIMES:
        return at(resource.inputs, "spec")
    return at(resource.inputs, *TEMPLATES[resource.kind])


def containers(resource: Judged) -> list[Container]:
    """All containers; one of unknown spec where the list is not known."""
    spec = pod_spec(resource)
    if resource.kind == SERVICE:
        return _of_service(spec)
    security = at(spec, "securityContext")
    found = [_container(raw, security, starts_once=False) for raw in items(at(spec, "containers"))]
    return found + [_container(raw, security, starts_once=True) for raw in items(at(spec, "initContainers"))]


def _container(raw: Value, security: Value, *, starts_once: bool) -> Container:
    name = at(raw, "name")
    return Container(
        name=name if isinstance(name, str) else "?",
        spec=raw,
        pod_security=security,
        whole=True,
        starts_once=starts_once,
    )


def _of_service(predictor: Value) -> list[Container]:
    if predictor is UNKNOWN:
        return [Container(name="?", spec=UNKNOWN, pod_security=UNKNOWN, whole=False)]
    security = at(predictor, "securityContext")
    own = [_container(raw, security, starts_once=False) for raw in items(at(predictor, "containers"))]
    model = at(predictor, "model")
    if model is None:
        return own
    return [*own, Container(name="kserve-container", spec=model, pod_security=security, whole=False)]


def namespace(resource: Judged) -> Value:
    """The namespace that the object names; None where it names none."""
    return at(resource.inputs, "metadata", "namespace")


def object_name(resource: Judged) -> Value:
    """The object's name in Kubernetes."""
    return at(resource.inputs, "metadata", "name")


def labels_of_pods(resource: Judged) -> Value:
    """Labels of the pods, as far as the resource says them."""
    if resource.kind == SERVICE:
        name, labels = object_name(resource), at(resource.inputs, "spec", "predictor", "labels")
        own = at(resource.inputs, "metadata", "labels")
        if UNKNOWN in (name, labels, own):
            return UNKNOWN
        return {**(own or {}), **(labels or {}), "serving.kserve.io/inferenceservice": name}
    path = TEMPLATES[resource.kind][:-1]
    return at(resource.inputs, *path, "metadata", "labels")
