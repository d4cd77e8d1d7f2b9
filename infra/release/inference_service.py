"""A version -> the body of its InferenceService.

It is made once and never changed in place: another digest or another shape of pod has another name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from infra.release.names import ISVC_LABEL
from infra.release.pod_shape import PodShape
from infra.release.scaling import AUTOSCALER_CLASS, Replicas, Scaling, autoscaler_class

API_VERSION = "serving.kserve.io/v1beta1"
KIND = "InferenceService"
TRITON_USER = 1000
GRACE_S = 60
"""More than the runtime's pause before it stops and Triton's own time to stop together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictor:
    """What runs."""

    name: str
    """The InferenceService's."""
    runtime: pulumi.Input[str]
    """ServingRuntime in the same namespace."""
    storage_uri: pulumi.Input[str]
    """Root of the Triton repository; ends in a slash, since KServe lists by prefix and `v1` is also one of `v10`."""
    service_account: pulumi.Input[str]
    shape: PodShape
    replicas: Replicas
    scaling: Scaling


def annotations(predictor: Predictor) -> Mapping[str, str]:
    """How KServe runs it: as a plain Deployment that it does not scale."""
    return {
        "serving.kserve.io/deploymentMode": "Standard",
        AUTOSCALER_CLASS: autoscaler_class(predictor.scaling),
    }


def inference_service_spec(predictor: Predictor) -> dict[str, Any]:
    """The body; a pod's fields lie in `predictor` itself."""
    return {
        "predictor": {
            "minReplicas": predictor.replicas.min,
            "maxReplicas": predictor.replicas.max,
            "serviceAccountName": predictor.service_account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": GRACE_S,
            "securityContext": _security(),
            "topologySpreadConstraints": [_spread(predictor.name, key) for key in _TOPOLOGY],
            "model": {
                "modelFormat": {"name": "triton"},
                "protocolVersion": "v2",
                "runtime": predictor.runtime,
                "storageUri": predictor.storage_uri,
                "resources": predictor.shape.resources(),
            },
        }
    }


_TOPOLOGY = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def _security() -> core.PodSecurityContextArgs:
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=TRITON_USER,
        run_as_group=TRITON_USER,
        fs_group=TRITON_USER,
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )


def _spread(name: str, key: str) -> core.TopologySpreadConstraintArgs:
    """Evenly where it can be had; a version does not wait for a node in a certain zone."""
    return core.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key=key,
        when_unsatisfiable="ScheduleAnyway",
        label_selector=LabelSelectorArgs(match_labels={ISVC_LABEL: name}),
    )
