"""What a Kubernetes API server and Helm answer for each kind that the programs declare."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from pulumi.runtime import rpc

from stacks.capture.monitor import Fake, FakeRequest
from stacks.capture.values import Value

CREATED: Final = "2026-11-20T09:00:00Z"
LOAD_BALANCER: Final = "k8s-istioing-istioing-0a1b2c3d4e-0a1b2c3d4e5f6071.elb.us-west-2.amazonaws.com"
"""As AWS names an internal network load balancer that the controller made."""

Outputs = Mapping[str, Value]


def _digits(request: FakeRequest, count: int) -> str:
    """Hexadecimal digits that follow from the resource's type and name."""
    return hashlib.sha256(f"{request.type}/{request.name}".encode()).hexdigest()[:count]


def _object(request: FakeRequest) -> Outputs:
    """An object as the API server stores it: the inputs, with the metadata that it adds; the id is its address."""
    metadata = _metadata(request)
    namespace, name = metadata.get("namespace"), metadata["name"]
    return {"id": f"{namespace}/{name}" if namespace else str(name), "metadata": metadata}


def _metadata(request: FakeRequest) -> dict[str, Value]:
    given = request.inputs.get("metadata")
    metadata = dict(given) if isinstance(given, Mapping) else {}
    digits = _digits(request, 32)
    uid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return {
        "name": f"{request.name}-{digits[:8]}",
        **metadata,
        "uid": uid,
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": CREATED,
    }


def _service(request: FakeRequest) -> Outputs:
    """A Service that is read: the gateway's, whose load balancer has come up; nothing while its id is not known."""
    if request.id == rpc.UNKNOWN:
        return {}
    namespace, _, name = request.id.partition("/")
    return {
        "id": request.id,
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": CREATED},
        "status": {"loadBalancer": {"ingress": [{"hostname": LOAD_BALANCER}]}},
    }


def _release(request: FakeRequest) -> Outputs:
    """A Helm release that was installed and is ready."""
    name, namespace = request.inputs.get("name", request.name), request.inputs.get("namespace", "default")
    return {
        "id": f"{namespace}/{name}",
        "name": name,
        "status": {
            "appVersion": "",
            "chart": request.inputs.get("chart"),
            "name": name,
            "namespace": namespace,
            "revision": 1,
            "status": "deployed",
            "version": request.inputs.get("version"),
        },
    }


def _config_file(request: FakeRequest) -> Outputs:
    """A component of the provider's plugin: its children are made there."""
    return {"resources": []}


def _provider(request: FakeRequest) -> Outputs:
    return {"id": _digits(request, 32)}


_KINDS: Final = (
    "apps/v1:Deployment",
    "core/v1:ConfigMap",
    "core/v1:Namespace",
    "core/v1:Secret",
    "core/v1:ServiceAccount",
    "networking.k8s.io/v1:NetworkPolicy",
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "rbac.authorization.k8s.io/v1:Role",
    "rbac.authorization.k8s.io/v1:RoleBinding",
    "storage.k8s.io/v1:StorageClass",
    "policy/v1:PodDisruptionBudget",
    "autoscaling/v2:HorizontalPodAutoscaler",
    "cert-manager.io/v1:Certificate",
    "cert-manager.io/v1:ClusterIssuer",
    "karpenter.sh/v1:NodePool",
    "karpenter.k8s.aws/v1:EC2NodeClass",
    "keda.sh/v1alpha1:ScaledObject",
    "monitoring.coreos.com/v1:PodMonitor",
    "monitoring.coreos.com/v1:PrometheusRule",
    "networking.istio.io/v1:DestinationRule",
    "networking.istio.io/v1:Gateway",
    "networking.istio.io/v1:ServiceEntry",
    "networking.istio.io/v1:Sidecar",
    "networking.istio.io/v1:VirtualService",
    "networking.istio.io/v1alpha3:EnvoyFilter",
    "pulumi.com/v1:Stack",
    "security.istio.io/v1:AuthorizationPolicy",
    "security.istio.io/v1:PeerAuthentication",
    "security.istio.io/v1:RequestAuthentication",
    "serving.kserve.io/v1alpha1:ServingRuntime",
    "serving.kserve.io/v1beta1:InferenceService",
)
"""`<api version>:<kind>` of plain objects."""

FAKES: Mapping[str, Fake] = {
    "pulumi:providers:kubernetes": _provider,
    "kubernetes:helm.sh/v3:Release": _release,
    "kubernetes:yaml/v2:ConfigFile": _config_file,
    "kubernetes:core/v1:Service": _service,
    **{f"kubernetes:{kind}": _object for kind in _KINDS},
}
"""Type token -> what it answers."""
