"""The pods that objects would make, tried against admission: no node is needed to know that a pod is refused."""

from typing import Any

from tests.cluster.api import Api, Object, RefusedError, key_of

_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


def pod_of(obj: Object, namespace: str) -> dict[str, Any] | None:
    """The pod of a workload's template; None for other kinds."""
    if obj["kind"] == "Pod":
        return dict(obj)
    path = _TEMPLATES.get(obj["kind"])
    if path is None:
        return None
    template: Any = obj
    for part in path:
        template = template[part]
    spec = dict(template["spec"])
    if obj["kind"] in ("Job", "CronJob"):
        spec.setdefault("restartPolicy", "Never")
    metadata = {key: value for key, value in template.get("metadata", {}).items() if value is not None}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | {"name": obj["metadata"]["name"], "namespace": namespace},
        "spec": spec,
    }


def check_pod(api: Api, obj: Object, namespace: str) -> None:
    """Raises `RefusedError` where admission would refuse the workload's pods."""
    pod = pod_of(obj, namespace)
    if pod is None:
        return
    try:
        api.create(pod, dry_run=True)
    except RefusedError as error:
        raise RefusedError(f"{key_of(obj)} could never run a pod: {error}") from None
