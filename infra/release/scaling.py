"""How many replicas a version has: fixed, by processor, or by the requests that the gateway sees.

Standard mode scales from zero only with a metric that exists while nothing runs; the gateway's request counter is one.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.autoscaling import v2 as autoscaling

from infra.release.names import predictor
from infra.text import joined

AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
CONTAINER = "kserve-container"
"""The model's container in a predictor's pods."""
RATE_WINDOW_S = 60
POLL_S = 15
COOL_DOWN_S = 300
"""Without requests, before the last replica goes."""
FAILED_POLLS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Replicas:
    """The fewest and the most."""

    min: int
    max: int

    def __post_init__(self) -> None:
        if not 0 <= self.min <= self.max or self.max < 1:
            raise ValueError(f"replicas: (got {self.min} to {self.max}); allowed is 0 <= min <= max, max at least 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """Always `Replicas.min`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByCpu:
    """A HorizontalPodAutoscaler on the model's container."""

    percent: int
    """Of the requested cores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByRequests:
    """A KEDA ScaledObject on the gateway's counter."""

    per_replica_per_second: int
    prometheus_url: pulumi.Input[str]
    gateway_namespace: pulumi.Input[str]


Scaling = Fixed | ByCpu | ByRequests


def check_scaling(replicas: Replicas, scaling: Scaling) -> None:
    """Refuse what a cluster would silently read as something else."""
    if replicas.min == 0 and not isinstance(scaling, ByRequests):
        raise ValueError(f"replicas: (got min 0 with {type(scaling).__name__}); allowed is 0 only with ByRequests")
    if isinstance(scaling, Fixed) and replicas.min != replicas.max:
        raise ValueError(f"replicas: (got {replicas.min} to {replicas.max}); allowed with Fixed is one number")


def autoscaler_class(scaling: Scaling) -> str:
    """`none`: KServe sets the replicas; `external`: it leaves them to the object that is declared here."""
    return "none" if isinstance(scaling, Fixed) else "external"


def request_rate_query(name: str, gateway_namespace: pulumi.Input[str]) -> pulumi.Input[str]:
    """Requests in a second for a version, as its gateway counts them.

    Before the first request there is no such series: then 0, but only while the gateway is scraped. When it is not, the
    query has no result, which KEDA takes as a failure and not as silence.
    """
    counted = f'istio_requests_total{{reporter="source",destination_service_name="{predictor(name)}"}}'
    scraped = joined('up{namespace="', gateway_namespace, '"} == 1')
    return joined(f"sum(rate({counted}[{RATE_WINDOW_S}s])) or max(", scraped, ") * 0")


def scaled_object_spec(name: str, replicas: Replicas, scaling: ByRequests) -> dict[str, Any]:
    """Body of KEDA's ScaledObject; when the metric fails, replicas do not fall below the minimum or what runs."""
    trigger = {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": scaling.prometheus_url,
            "query": request_rate_query(name, scaling.gateway_namespace),
            "threshold": str(scaling.per_replica_per_second),
            "activationThreshold": "0",
            "ignoreNullValues": "false",
        },
    }
    fallback = {
        "failureThreshold": FAILED_POLLS,
        "replicas": max(1, replicas.min),
        "behavior": "currentReplicasIfHigher",
    }
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": predictor(name)},
        "minReplicaCount": replicas.min,
        "maxReplicaCount": replicas.max,
        "pollingInterval": POLL_S,
        "cooldownPeriod": COOL_DOWN_S,
        "fallback": fallback,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior()}},
        "triggers": [trigger],
    }


def autoscaler_spec(name: str, replicas: Replicas, scaling: ByCpu) -> autoscaling.HorizontalPodAutoscalerSpecArgs:
    """Body of the HorizontalPodAutoscaler; the sidecar's share does not count."""
    target = autoscaling.MetricTargetArgs(type="Utilization", average_utilization=scaling.percent)
    busy = autoscaling.ContainerResourceMetricSourceArgs(name="cpu", container=CONTAINER, target=target)
    return autoscaling.HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=autoscaling.CrossVersionObjectReferenceArgs(
            api_version="apps/v1", kind="Deployment", name=predictor(name)
        ),
        min_replicas=replicas.min,
        max_replicas=replicas.max,
        metrics=[autoscaling.MetricSpecArgs(type="ContainerResource", container_resource=busy)],
        behavior=_behavior(),
    )


def _behavior() -> autoscaling.HorizontalPodAutoscalerBehaviorArgs:
    """Up at once, at most double; down slowly, so that a lull costs nothing when the traffic comes back."""
    return autoscaling.HorizontalPodAutoscalerBehaviorArgs(
        scale_up=autoscaling.HPAScalingRulesArgs(
            stabilization_window_seconds=0,
            policies=[autoscaling.HPAScalingPolicyArgs(type="Percent", value=100, period_seconds=30)],
        ),
        scale_down=autoscaling.HPAScalingRulesArgs(
            stabilization_window_seconds=COOL_DOWN_S,
            policies=[autoscaling.HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=60)],
        ),
    )
